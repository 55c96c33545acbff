import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { consistencyProof, leafHash, nodeHash, openHead } from '../../federation/index.ts'
import type { Equivocation, NodeReader, SeenLog } from '../../federation/index.ts'
import { OapError } from '../../protocols/index.ts'
import { Heads } from './heads.ts'
import { leavesOf, logHub, logOf } from './log.fixture.ts'

const HUB = logHub.id
type TestLog = ReturnType<typeof logOf>

const headOf = (log: TestLog, size: number) => openHead(log.note(size), log.delegation, HUB).head

/** How a log of these leaves answers who asks how it grew. */
const growth = (leaves: readonly string[]) => {
  const hashes = leaves.map(leaf => leafHash(Buffer.from(leaf)))
  const node: NodeReader = (level, index) =>
    level === 0 ? hashes[index]! : nodeHash(node(level - 1, 2 * index), node(level - 1, 2 * index + 1))
  const log = logOf(leaves)
  return async ({ from, to }: { readonly from: number; readonly to: number }) => ({
    old_root: Buffer.from(log.root(from)).toString('hex'),
    body: Buffer.concat(consistencyProof(from, to, node))
  })
}

function witness({
  seen,
  answers = () => Promise.reject(new OapError('not_found')),
  allowed = true,
  shown,
  witnessing
}: {
  readonly seen?: SeenLog
  readonly answers?: (asked: { readonly from: number; readonly to: number }) => Promise<unknown>
  readonly allowed?: boolean
  readonly shown?: string | undefined
  /** The log of this hub. */
  readonly witnessing?: TestLog
}) {
  const found: Equivocation[] = []
  const asked: number[][] = []
  let ms = 0
  const link = {
    hub: HUB,
    caller: {
      client: () => ({
        log_proof: (request: { readonly from: number; readonly to: number }) => {
          asked.push([request.from, request.to])
          return answers(request)
        }
      })
    }
  } as never
  const told: Uint8Array[] = []
  const teller = {
    hub: 'other',
    caller: {
      client: () => ({ head: async ({ body }: { readonly body: Uint8Array }) => void told.push(body) })
    }
  }
  const heads = new Heads({
    logs: { seenOf: () => seen, newestOf: () => shown },
    links: () => [link],
    isAllowed: () => allowed,
    isWitness: () => witnessing !== undefined,
    log: () =>
      witnessing &&
      ({ origin: witnessing.origin, root: witnessing.root, consistency: () => ({ hashes: [] }) } as never),
    found: async proof => void found.push(proof),
    nowMs: () => ms,
    logger: { warn: () => undefined, debug: () => undefined } as never
  })
  const hear = async (log: TestLog, size: number, change: object = {}) => {
    ms += 10_000
    const { note, delegation } = headOf(log, size)
    const request = { hub: HUB, delegation, body: Buffer.from(note), ...change }
    await heads.heard(request, teller as never, {} as never)
    await turn()
  }
  return { heads, found, asked, told, hear }
}

const [log, fork] = [logOf(leavesOf(40)), logOf(leavesOf(40, 3))]

test('a head of a size that was seen with another root is proof', async () => {
  const { found, asked, hear } = witness({ seen: [headOf(log, 10), headOf(log, 20)] })
  await hear(log, 10)
  assert.equal(found.length, 0)

  await hear(fork, 10)

  assert.equal(found[0]!.kind, 'checkpoints')
  assert.deepEqual(asked, [])
})

test('of a head of another size the log itself is asked, and convicts itself where it has two histories', async () => {
  for (const size of [15, 30]) {
    const { found, asked, hear } = witness({
      seen: [headOf(log, 20)],
      answers: growth(leavesOf(40, size < 20 ? 40 : 3))
    })
    await hear(fork, size)

    assert.deepEqual(asked, [[Math.min(size, 20), Math.max(size, 20)]])
    assert.equal(found[0]!.kind, 'consistency')
  }
})

test('a log that goes on is asked, and nothing is found; one that does not answer proves nothing', async () => {
  const good = witness({ seen: [headOf(log, 20)], answers: growth(leavesOf(40)) })
  await good.hear(log, 30)
  assert.deepEqual([good.found, good.heads.unproved, good.asked.length], [[], 0, 1])

  for (const answers of [
    () => Promise.reject(new OapError('not_found')),
    async () => ({ old_root: '00'.repeat(32), body: Buffer.alloc(64) }),
    async () => ({ old_root: '00'.repeat(32), body: Buffer.alloc(63) }),
    async () => ({ old_root: '00'.repeat(32), body: Buffer.alloc(65 * 32) })
  ]) {
    const silent = witness({ seen: [headOf(log, 20)], answers })
    await silent.hear(fork, 30)
    assert.deepEqual([silent.found, silent.heads.unproved], [[], 1])
  }
})

test('a hub that shows another log since is not asked for the one before; one that denies the log that it shows is counted', async () => {
  const answers = () => Promise.reject(new OapError('conflict', 'another', { code: 'another_log' }))
  const heard = async (shown?: string) => {
    const one = witness({ seen: [headOf(log, 20)], answers, shown })
    await one.hear(log, 30)
    return [one.asked.length, one.heads.unproved]
  }

  assert.deepEqual(await heard(logOf([], { id: '00112233445566bb' }).origin), [0, 0])
  assert.deepEqual(await heard(), [1, 0])
  assert.deepEqual(await heard(log.origin), [1, 1])
})

test('whoever tells of a longer head than the log proves here is told of the shorter, since it may see the other history', async () => {
  const { told, found, hear } = witness({ seen: [headOf(log, 20)] })
  await hear(fork, 30)
  assert.deepEqual(told.map(String), [log.note(20)])
  await hear(fork, 15)
  assert.equal(told.length, 1)

  const other = witness({ seen: [headOf(fork, 30)], answers: growth(leavesOf(40, 3)) })
  await other.hear(log, 20)
  assert.equal(other.found[0]!.kind, 'consistency')
  assert.deepEqual([found, other.told], [[], []])

  const good = witness({ seen: [headOf(log, 20)], answers: growth(leavesOf(40)) })
  await good.hear(log, 30)
  assert.deepEqual(good.told, [])
})

test('what no log of that hub signed is refused; of a log that was never seen, or a hub not allowed, nothing is kept', async () => {
  const { hear, asked } = witness({ seen: [headOf(log, 20)] })
  const bad = (change: object, code: string) => assert.rejects(hear(log, 10, change), { code })
  await bad({ body: Buffer.from(log.note(10).replace('\n10\n', '\n11\n')) }, 'signature')
  await bad({ body: Buffer.from('x'.repeat(5000)) }, 'signature')
  await bad({ delegation: '{}' }, 'delegation')
  const strange = witness({ allowed: false })
  await strange.hear(log, 10, { body: Buffer.from('not looked at') })
  await witness({}).hear(log, 10)
  assert.deepEqual(asked, [])
})

test('of another log than the one that this hub writes nothing is told', async () => {
  const { heads } = witness({ witnessing: log })
  const call = async (origin?: string) =>
    heads.grown({ from: 3, to: 9, ...(origin && { origin }) }, { hub: 'other' } as never, {} as never)

  await assert.rejects(call(logOf([], { id: '00112233445566bb' }).origin), { code: 'another_log' })
  const asked = await call(log.origin)

  assert.equal(asked.old_root, Buffer.from(log.root(3)).toString('hex'))
  assert.deepEqual(await call(), asked)
})

test('only a witness is told how the log of this hub grew', async () => {
  const { heads } = witness({})
  const call = async () => heads.grown({ from: 0, to: 1 }, { hub: 'other' } as never, {} as never)
  await assert.rejects(call, { code: 'cap_denied', reason: 'witness' })
})
