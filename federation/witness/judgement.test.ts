import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { delegate } from '../delegation.ts'
import { exactly, lineOfText, oneOf, whole } from '../form.ts'
import { forms } from '../forms.ts'
import { HUB, OTHER_HUB, keyOf } from '../keys.fixture.ts'
import { formatSigned, signStatement } from '../statement.ts'
import { formatSuccession, succeed } from '../succession.ts'
import {
  type Equivocation,
  checkpointsProof,
  consistencyProofOf,
  equivocationLine,
  keysProof,
  statementsProof
} from './equivocation.ts'
import { judgeEquivocation } from './judgement.ts'
import type { PlacedKind, PlacedKinds } from './judgement.ts'
import { leavesOf, logOf } from './witness.fixture.ts'
import { openHead } from './witnessing.ts'

const log = logOf(leavesOf(40))
const fork = logOf(leavesOf(40, 3))
const headOf = (of: typeof log, size: number) => openHead(of.note(size), of.delegation, HUB.hub).head

const two = checkpointsProof(HUB.hub, [headOf(log, 20), headOf(fork, 20)]) as Extract<
  Equivocation,
  { notes: unknown }
>
const ahead = consistencyProofOf(HUB.hub, [headOf(log, 20), headOf(fork, 40)], {
  oldRoot: fork.root(20),
  hashes: fork.proof(20, 40)
}) as Extract<Equivocation, { kind: 'consistency' }>

const verdictOf = (proof: unknown, kinds?: PlacedKinds): string => {
  const verdict = judgeEquivocation(equivocationLine(proof as Equivocation), kinds)
  return verdict.ok ? 'proved' : verdict.why
}

describe('a proof of two heads', () => {
  test('holds offline for everybody', () => {
    assert.equal(verdictOf(two), 'proved')
    assert.equal(verdictOf(ahead), 'proved')
    const verdict = judgeEquivocation(equivocationLine(two))
    assert.deepEqual(verdict.ok && verdict.keys, [keyOf(40).hex])
  })

  test('by two keys of one log names both', () => {
    const other = logOf(leavesOf(40, 3), { key: keyOf(41) })
    const proof = checkpointsProof(HUB.hub, [headOf(log, 20), headOf(other, 20)])
    const verdict = judgeEquivocation(equivocationLine(proof))
    assert.deepEqual(verdict.ok && verdict.keys.toSorted(), [keyOf(40).hex, keyOf(41).hex].sort())
    assert.equal(verdictOf({ ...two, delegations: (proof as typeof two).delegations }), 'delegation')
  })

  test('that is forged, reordered, of another hub or of no contradiction is refused by name', () => {
    const [first, second] = two.notes
    const restored = logOf(leavesOf(40, 3), { id: 'ffffffffffffffff' })
    const strange = logOf(leavesOf(40, 3), { hub: OTHER_HUB })
    assert.equal(verdictOf({ ...two, notes: [second, first] }), 'order')
    assert.equal(verdictOf({ ...two, notes: [first, first] }), 'order')
    const again = logOf(leavesOf(40), { key: keyOf(41) })
    assert.equal(verdictOf(checkpointsProof(HUB.hub, [headOf(log, 20), headOf(again, 20)])), 'agreement')
    assert.equal(verdictOf({ ...two, notes: [log.note(20), log.note(21)].sort() }), 'place')
    assert.equal(verdictOf({ ...two, hub: OTHER_HUB.hub }), 'delegation')
    assert.equal(verdictOf({ ...two, delegations: [strange.delegation] }), 'delegation')
    assert.equal(verdictOf({ ...two, notes: [log.note(20), restored.note(20)].sort() }), 'signature')
    assert.equal(
      verdictOf({
        ...two,
        delegations: [log.delegation, restored.delegation].sort(),
        notes: [log.note(20), restored.note(20)].sort()
      }),
      'place'
    )
    assert.equal(verdictOf({ ...two, notes: [first, second.replace('\n20\n', '\n21\n')] }), 'signature')
    assert.equal(verdictOf({ ...two, delegations: [] }), 'form')
    assert.equal(verdictOf({ ...two, more: 1 }), 'form')
    assert.equal(verdictOf({ ...two, kind: 'hearsay' }), 'form')
    assert.equal(verdictOf({ ...ahead, notes: ahead.notes.toReversed() }), 'order')
    assert.equal(verdictOf({ ...ahead, hashes: ahead.hashes.slice(1) }), 'hashes')
    assert.equal(verdictOf({ ...ahead, hashes: ahead.hashes.toReversed() }), 'hashes')
    assert.equal(verdictOf({ ...ahead, old_root: '00'.repeat(32) }), 'hashes')
    assert.equal(
      verdictOf({
        ...ahead,
        notes: [log.note(20), log.note(40)],
        old_root: Buffer.from(log.root(20)).toString('hex'),
        hashes: log.proof(20, 40).map(hash => Buffer.from(hash).toString('hex'))
      }),
      'agreement'
    )
  })

  test('no honest log can be accused, whatever is put together of what it signed', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 40 }),
        fc.integer({ min: 0, max: 40 }),
        fc.integer({ min: 0, max: 40 }),
        fc.boolean(),
        (a, b, from, isForged) => {
          const notes = [log.note(a), log.note(b)]
          const size = Math.min(from, b)
          const oldRoot = isForged ? fork.root(size) : log.root(size)
          const hashes = log.proof(size, b).map(hash => Buffer.from(hash).toString('hex'))
          const old_root = Buffer.from(oldRoot).toString('hex')
          assert.notEqual(verdictOf({ ...two, notes: notes.toSorted() }), 'proved')
          assert.notEqual(verdictOf({ ...ahead, notes, old_root, hashes }), 'proved')
        }
      ),
      { numRuns: 200 }
    )
  })

  test('hostile text is refused and never throws', () => {
    const good = Buffer.from(equivocationLine(ahead))
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        edits => {
          const bytes = Buffer.from(good)
          for (const [at, value] of edits) bytes[at] = value
          assert.equal(judgeEquivocation(bytes.toString()).ok, bytes.equals(good))
        }
      ),
      { numRuns: 500 }
    )
    for (const text of [
      '',
      '{}',
      'null',
      '[]',
      equivocationLine(two).slice(0, -1),
      `"${'x'.repeat(524_287)}"`
    ])
      assert.equal(judgeEquivocation(text).ok, false)
  })
})

const FROM = 1_795_000_000
const delegationLine = (key = keyOf(60), { hub = HUB, epoch = 1, until = FROM + 100 } = {}) =>
  formatSigned(
    delegate(hub.key, {
      epoch,
      hub: hub.hub,
      key: key.hex,
      node: 'main',
      not_after: until,
      not_before: FROM,
      role: 'message'
    })
  )

describe('a proof of two lines about keys', () => {
  test('holds for two delegations of one place, and for two successors', () => {
    const lines = [delegationLine(), delegationLine(keyOf(61))]
    assert.equal(verdictOf(keysProof('delegations', HUB.hub, lines)), 'proved')
    const next = (byte: number) =>
      formatSuccession(
        succeed(
          { hub: HUB.key, successor: keyOf(byte).key },
          { at: FROM, hub: HUB.hub, reason: '', successor: keyOf(byte).hub }
        )
      )
    assert.equal(verdictOf(keysProof('successions', HUB.hub, [next(70), next(71)])), 'proved')
  })

  test('of two places, twice the same, or of another hub proves nothing', () => {
    const one = delegationLine()
    const proof = (lines: readonly string[]) => verdictOf(keysProof('delegations', HUB.hub, lines))
    assert.equal(proof([one, delegationLine(keyOf(61), { epoch: 2 })]), 'place')
    assert.equal(proof([one, one]), 'order')
    assert.equal(proof([one, delegationLine(keyOf(61), { hub: OTHER_HUB })]), 'hub')
    assert.equal(
      proof([one, delegationLine(keyOf(61)).replace(/.{20}=="/, `${'A'.repeat(20)}=="`)]),
      'signature'
    )
    assert.equal(verdictOf(keysProof('successions', HUB.hub, [one, delegationLine(keyOf(61))])), 'form')
  })
})

type Numbered = {
  readonly at: number
  readonly body: number
  readonly epoch: number
  readonly hub: string
  readonly key: string
  readonly note?: string
  readonly number: number
  readonly share: 'a' | 'b'
}
const NUMBERED: PlacedKind<Numbered> = {
  kind: {
    tag: 'omnigate/test-numbered/1',
    maxChars: 32_768,
    role: 'message',
    form: exactly(
      {
        at: forms.seconds,
        body: whole(0),
        epoch: forms.epoch,
        hub: forms.hub,
        key: forms.hex32,
        number: whole(0),
        share: oneOf('a', 'b')
      },
      { note: lineOfText(32_768) }
    ) as never,
    claim: ({ hub, key, epoch, at }) => ({ hub, key, epoch, at })
  },
  place: ({ share, number }) => `${share}/${number}`
}

describe('a proof of two statements', () => {
  const signer = keyOf(60)
  const line = (change: Partial<Numbered> = {}, by = signer) => {
    const statement: Numbered = {
      at: FROM + 1,
      body: 1,
      epoch: 1,
      hub: HUB.hub,
      key: by.hex,
      number: 7,
      share: 'a',
      ...change
    }
    return formatSigned(signStatement(NUMBERED.kind, by.key, statement))
  }
  const judged = (lines: readonly string[], delegations = [delegationLine()]) =>
    verdictOf(statementsProof('numbers', HUB.hub, lines, delegations), { numbers: NUMBERED })

  test('holds for two ids under one number', () => {
    assert.equal(judged([line(), line({ body: 2 })]), 'proved')
    const second = delegationLine(keyOf(61), { epoch: 2 })
    const both = [delegationLine(), second]
    assert.equal(judged([line(), line({ body: 2, epoch: 2 }, keyOf(61))], both), 'proved')
  })

  test('holds for statements as long as a message may have', () => {
    const long = (body: number) => line({ body, note: 'x'.repeat(30_000) })
    assert.equal(judged([long(1), long(2)]), 'proved')
  })

  test('proves nothing for two numbers, without its delegation, or outside its time', () => {
    assert.equal(judged([line(), line({ number: 8 })]), 'place')
    assert.equal(judged([line(), line({ share: 'b' })]), 'place')
    assert.equal(judged([line(), line({ body: 2 }, keyOf(61))]), 'delegation')
    assert.equal(judged([line(), line({ body: 2, at: FROM + 101 })]), 'delegation')
    assert.equal(judged([line(), line({ body: 2, hub: OTHER_HUB.hub })]), 'hub')
    assert.equal(judged([line(), line({ body: 2 })], [delegationLine(signer, { hub: OTHER_HUB })]), 'hub')
    assert.equal(judged([line(), line({ body: 2 }).replace('"body":2', '"body":3')]), 'signature')
    const spare = [delegationLine(), delegationLine(keyOf(61), { epoch: 2 })]
    assert.equal(judged([line(), line({ body: 2 })], spare), 'delegation')
    assert.equal(
      verdictOf(statementsProof('numbers', HUB.hub, [line(), line({ body: 2 })], [delegationLine()])),
      'form'
    )
  })
})
