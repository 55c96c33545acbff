import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { OTHER_HUB, keyOf } from '../keys.fixture.ts'
import { NoteError, cosign, cosignatures, cosigningKey, parseNote } from '../log/index.ts'
import { equivocationLine } from './equivocation.ts'
import { judgeEquivocation } from './judgement.ts'
import { WITNESS } from './numbers.ts'
import { formatWitnessRequest, parseWitnessRequest } from './request.ts'
import { leavesOf, logOf } from './witness.fixture.ts'
import { judgeWitnessing } from './witnessing.ts'
import type { SeenLog, WitnessAsked, WitnessVerdict } from './witnessing.ts'

/** A witness that remembers what it cosigned. */
class Witness {
  readonly seen = new Map<string, SeenLog>()

  ask(asked: WitnessAsked, hasRoom = true): WitnessVerdict {
    const verdict = judgeWitnessing(asked, { seenOf: origin => this.seen.get(origin), hasRoom })
    if (verdict.verdict === 'cosign') this.seen.set(verdict.origin, verdict.seen)
    return verdict
  }
}

const kindOf = (verdict: WitnessVerdict): string =>
  verdict.verdict === 'refused' ? `refused ${verdict.why}` : verdict.verdict

describe('a witness', () => {
  test('cosigns what it sees first, and what goes on from it', () => {
    const log = logOf(leavesOf(100))
    const witness = new Witness()

    assert.deepEqual(kindOf(witness.ask(log.asks(0, 7))), 'cosign')
    assert.deepEqual(kindOf(witness.ask(log.asks(7, 64))), 'cosign')
    assert.deepEqual(kindOf(witness.ask(log.asks(64, 64))), 'cosign')
    assert.deepEqual(kindOf(witness.ask(log.asks(64, 100))), 'cosign')
    assert.deepEqual(
      witness.seen.get(log.origin)!.map(({ size }) => size),
      [7, 64, 100]
    )
  })

  test('says where it stands to who begins elsewhere, and to who is behind', () => {
    const log = logOf(leavesOf(100))
    const witness = new Witness()
    witness.ask(log.asks(0, 50))

    assert.deepEqual(witness.ask(log.asks(0, 60)), { verdict: 'known', size: 50 })
    assert.deepEqual(witness.ask(log.asks(40, 60)), { verdict: 'known', size: 50 })
    assert.deepEqual(witness.ask(log.asks(0, 20)), { verdict: 'known', size: 50 })
  })

  test('takes a log that begins anew as a first sight, also of the same hub', () => {
    const witness = new Witness()
    witness.ask(logOf(leavesOf(50)).asks(0, 50))

    const restored = logOf(leavesOf(3, 0), { id: 'ffffffffffffffff' })
    assert.equal(kindOf(witness.ask(restored.asks(0, 3))), 'cosign')
  })

  test('refuses what is not signed, not delegated, too much, or does not follow', () => {
    const log = logOf(leavesOf(100))
    const asked = log.asks(10, 20)
    const witness = new Witness()
    assert.equal(kindOf(witness.ask(asked, false)), 'refused full')
    witness.ask(log.asks(0, 10))

    const edit = (change: object) => kindOf(witness.ask({ ...asked, ...change }))
    const request = (change: object) => edit({ request: { ...asked.request, ...change } })
    assert.equal(edit({ hub: OTHER_HUB.hub }), 'refused delegation')
    assert.equal(edit({ delegation: '{}' }), 'refused delegation')
    assert.equal(edit({ delegation: asked.delegation.repeat(20) }), 'refused delegation')
    assert.equal(edit({ delegation: logOf([], { key: keyOf(41) }).delegation }), 'refused signature')
    assert.equal(request({ note: asked.request.note.replace('\n20\n', '\n21\n') }), 'refused signature')
    assert.equal(request({ note: 'no note' }), 'refused signature')
    assert.equal(request({ hashes: [] }), 'refused consistency')
    assert.equal(request({ hashes: asked.request.hashes.toReversed() }), 'refused consistency')
    assert.equal(request({ hashes: asked.request.hashes.slice(1) }), 'refused consistency')
    assert.equal(edit({ oldRoot: new Uint8Array(32) }), 'refused consistency')
    assert.equal(kindOf(witness.ask(asked)), 'cosign')
  })

  test('finds two heads of one size, also of one that it saw long ago', () => {
    const [log, fork] = [logOf(leavesOf(100)), logOf(leavesOf(100, 5))]
    const witness = new Witness()
    witness.ask(log.asks(0, 10))
    witness.ask(log.asks(10, 30))

    for (const size of [10, 30]) {
      const verdict = witness.ask(fork.asks(0, size))
      assert.ok(verdict.verdict === 'equivocation')
      assert.equal(verdict.proof.kind, 'checkpoints')
      assert.equal(judgeEquivocation(equivocationLine(verdict.proof)).ok, true)
    }
  })

  test('a log that forks convicts itself when it proves its own history', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 60 }),
        fc.nat(59),
        (old, more, at) => {
          const fork = Math.min(at, old - 1)
          const log = logOf(leavesOf(old + more))
          const other = logOf(leavesOf(old + more, fork))
          const witness = new Witness()
          witness.ask(log.asks(0, old))

          const verdict = witness.ask(other.asks(old, old + more))

          assert.ok(verdict.verdict === 'equivocation')
          assert.equal(verdict.proof.kind, 'consistency')
          assert.equal(judgeEquivocation(equivocationLine(verdict.proof)).ok, true)
        }
      ),
      { numRuns: 200 }
    )
  })

  test('remembers the newest heads of a log, and no more', () => {
    const log = logOf(leavesOf(40))
    const witness = new Witness()
    for (let size = 1; size <= 40; size++) witness.ask(log.asks(size - 1, size))

    const seen = witness.seen.get(log.origin)!
    assert.equal(seen.length, WITNESS.heads)
    assert.equal(seen.at(-1)!.size, 40)
  })
})

test('a request is read as it was written, and nothing else is', () => {
  const { request } = logOf(leavesOf(100)).asks(10, 77)
  const text = formatWitnessRequest(request)
  assert.equal(formatWitnessRequest(parseWitnessRequest(Buffer.from(text))), text)

  for (const bad of [
    '',
    text.replace('old 10', 'old 010'),
    text.replace('old 10', 'old -1'),
    text.replace('old 10', 'old 9999999999999999'),
    text.replace('\n\n', '\n'),
    text.replace('=\n', '\n'),
    `old 1\n${`${'A'.repeat(43)}=\n`.repeat(65)}\n${request.note}`,
    `old 1\n\n${'x'.repeat(4097)}`,
    'x'.repeat(16_385)
  ])
    assert.throws(() => parseWitnessRequest(Buffer.from(bad)), NoteError, bad.slice(0, 40))
})

test('a cosignature fits the text, the name, the key and the time', () => {
  const log = logOf(leavesOf(9))
  const note = log.note(9)
  const { text } = parseNote(note)
  const witness = keyOf(50)
  const key = cosigningKey('h1example/main/witness', witness.bytes)
  const line = cosign(text, key.name, witness.key, 1_795_000_001)

  assert.deepEqual(cosignatures(note + line, [key]), [{ name: key.name, at: 1_795_000_001 }])
  assert.deepEqual(cosignatures(note, [key]), [])
  assert.deepEqual(cosignatures(log.note(8) + line.replace('h1example', 'h1other'), [key]), [])
  assert.throws(() => cosignatures(log.note(8) + line, [key]), NoteError)
  const late = cosign(text, key.name, witness.key, 1_795_000_002)
  const mixed = late.slice(0, -60) + line.slice(-60)
  assert.throws(() => cosignatures(note + mixed, [key]), NoteError)
})
