import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { OapError } from '../../protocols/index.ts'
import { MAX_STATEMENTS, RevocationList } from './revocation-list.ts'
import type { ListFile } from './revocation-list.ts'
import { HUB_DELEGATION, SIGNER } from './revocation.fixture.ts'
import { EMPTY_LIST, formatRevocation, headOf, revocationProblem } from './revocation-statement.ts'
import type { Revoked } from './revocation-statement.ts'

const NOW = { nowS: 2000 }
const CAP = 'ab'.repeat(16)
const OTHER = 'cd'.repeat(16)

test('a right, a root key and a subject can be revoked, and only what was is', async () => {
  const list = new RevocationList({ signer: SIGNER })

  await list.revoke([{ cap_id: CAP }, { kid: 2 }, { subject: 'robot-7' }], NOW)

  assert.equal(list.seq, 3)
  assert.equal(list.revokedOf({ capId: CAP, kid: 1 }), 'cap_id')
  assert.equal(list.revokedOf({ capId: OTHER, kid: 2 }), 'kid')
  assert.equal(list.revokedOf({ capId: OTHER, kid: 1, subject: 'robot-7' }), 'subject')
  assert.equal(list.revokedOf({ capId: OTHER, kid: 1, subject: 'robot' }), undefined)
  assert.equal(list.isRevoked({ capId: OTHER, kid: 3 }), false)
})

test('a subject that looks like a kid or a cap_id is neither', async () => {
  const list = new RevocationList({ signer: SIGNER })

  await list.revoke([{ subject: '2' }, { subject: CAP }], NOW)

  assert.equal(list.isRevoked({ capId: CAP, kid: 2 }), false)
})

test('says each thing once, however often it is revoked', async () => {
  const list = new RevocationList({ signer: SIGNER })

  const first = await list.revoke([{ kid: 1 }, { kid: 1 }], NOW)
  const second = await list.revoke([{ kid: 1 }, { kid: 2 }], { ...NOW, reason: 'again' })
  const third = await list.revoke([{ kid: 2 }], NOW)

  assert.deepEqual([first, second, third, list.seq], [1, 1, 0, 2])
})

test('every list is one that a follower takes from its first statement to its last', async () => {
  const thing: fc.Arbitrary<Revoked> = fc.oneof(
    fc.record({ kid: fc.integer({ min: 1, max: 9 }) }),
    fc.record({ subject: fc.constantFrom('a', 'b', 'c') })
  )
  const step = fc.record({
    things: fc.array(thing, { maxLength: 4 }),
    at: fc.integer({ min: 1000, max: 3000 })
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 8 }), async steps => {
      const list = new RevocationList({ signer: SIGNER })
      for (const { things, at } of steps) await list.revoke(things, { nowS: at })

      let head = EMPTY_LIST
      let at = 0
      for (const signed of list.from(0, 100)) {
        assert.equal(revocationProblem(signed, head, HUB_DELEGATION), undefined)
        assert.ok(signed.statement.at >= at)
        at = signed.statement.at
        head = headOf(signed.statement.seq, formatRevocation(signed))
      }
      assert.deepEqual(head, list.head)
    })
  )
})

test('gives the statements after a sequence, no more than asked for', async () => {
  const list = new RevocationList({ signer: SIGNER })
  await list.revoke([{ kid: 1 }, { kid: 2 }, { kid: 3 }], NOW)
  const seqs = (from: number, most: number) => list.from(from, most).map(({ statement }) => statement.seq)

  assert.deepEqual(seqs(0, 2), [1, 2])
  assert.deepEqual(seqs(1, 9), [2, 3])
  assert.deepEqual(seqs(3, 9), [])
  assert.deepEqual(seqs(99, 9), [])
})

test('tells listeners the new sequence once it is durable, and that alone', async () => {
  const written = Promise.withResolvers<void>()
  const list = new RevocationList({ signer: SIGNER, file: { ...FILE, append: () => written.promise } })
  const heard: number[] = []
  const stop = list.onMove(seq => heard.push(seq))

  const revoking = list.revoke([{ kid: 1 }, { kid: 2 }], NOW)
  assert.deepEqual([list.seq, heard], [0, []])
  written.resolve()
  await revoking
  await list.revoke([{ kid: 1 }], NOW)
  stop()
  await list.revoke([{ kid: 3 }], NOW)

  assert.deepEqual(heard, [2])
})

test('holds nothing that could not be written', async () => {
  const list = new RevocationList({
    signer: SIGNER,
    file: { ...FILE, append: () => Promise.reject(new Error('no space')) }
  })

  await assert.rejects(list.revoke([{ kid: 1 }], NOW), /no space/)

  assert.deepEqual([list.seq, list.isRevoked({ capId: CAP, kid: 1 })], [0, false])
})

test('what was written holds although its head could not be, and the next attempt writes that', async () => {
  const settled: number[] = []
  let isFull = true
  const settle = async ({ seq }: { seq: number }): Promise<void> => {
    if (isFull) throw new Error('no space')
    settled.push(seq)
  }
  const list = new RevocationList({ signer: SIGNER, file: { ...FILE, settle } })

  await assert.rejects(list.revoke([{ kid: 1 }], NOW), /no space/)
  const held = list.isRevoked({ capId: CAP, kid: 1 })
  isFull = false
  const added = await list.revoke([{ kid: 1 }], NOW)

  assert.deepEqual([held, added, settled], [true, 0, [1]])
})

test('refuses what cannot be revoked, and a reason that is none', async () => {
  const list = new RevocationList({ signer: SIGNER })
  const wrong = [
    { cap_id: 'AB' },
    { kid: 0 },
    { kid: 1.5 },
    { kid: 2 ** 32 },
    { subject: '' },
    { subject: 'a b' },
    {},
    { peer: 'x' },
    { kid: 1, subject: 'x' }
  ]

  for (const thing of wrong) await assert.rejects(list.revoke([thing as Revoked], NOW), isBadRequest)
  for (const reason of ['x'.repeat(257), 'é'.repeat(129), 'two\nlines', '\u0000', '\ud800'])
    await assert.rejects(list.revoke([{ kid: 1 }], { ...NOW, reason }), isBadRequest)

  assert.equal(list.seq, 0)
})

test('refuses more statements than it may hold, and keeps what it has', async () => {
  const list = new RevocationList({ signer: SIGNER })
  const many = Array.from({ length: MAX_STATEMENTS + 1 }, (_, i) => ({ kid: i + 1 }))

  await assert.rejects(list.revoke(many, NOW), /full/)

  assert.equal(await list.revoke([{ kid: 1 }], NOW), 1)
})

const FILE: ListFile = { append: async () => {}, settle: async () => {} }

const isBadRequest = (error: unknown): boolean => error instanceof OapError && error.code === 'bad_request'
