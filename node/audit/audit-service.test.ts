import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import {
  HASH_BYTES,
  isConsistent,
  leafHash,
  openCheckpoint,
  parseVerifierKey,
  rootFromInclusion
} from '../../federation/index.ts'
import { type Call, OapError, type PayloadCodec, auditService } from '../../protocols/index.ts'
import { auditOver } from './audit-service.ts'
import { fill, scratchLog } from './log.fixture.ts'
import { logPaths } from './log-folder.ts'

const { operations } = auditService
const CALL = {} as Call

/** What the other side reads of an answer. */
function answered<T>(codec: PayloadCodec<T>, value: T): T {
  const { head, body } = codec.encode(value)
  return codec.decode(Buffer.concat([head, body]))
}

async function served(t: TestContext) {
  const { folder, open } = await scratchLog(t, { segment: { entries: 100 } })
  const log = await open()
  const { handlers } = auditOver(log)
  const key = parseVerifierKey(readFileSync(logPaths(folder).verifierKey, 'utf8').trim())
  return {
    log,
    checkpoint: async () => {
      const note = answered(operations.checkpoint.answer, await handlers.checkpoint({}, CALL))
      return openCheckpoint(Buffer.from(note).toString(), key)
    },
    entries: async (request: { readonly from: number; readonly to?: number }) => {
      const { head, body } = await handlers.entries(request, CALL)
      return { head: answered(operations.entries.answer, head), lines: await linesOf(body) }
    },
    inclusion: async (request: { readonly seq: number; readonly size?: number }) =>
      answered(operations.inclusion.answer, await handlers.inclusion(request, CALL)),
    consistency: async (request: { readonly from: number; readonly to?: number }) =>
      answered(operations.consistency.answer, await handlers.consistency(request, CALL))
  }
}

const hashesOf = (body: Uint8Array | undefined): Uint8Array[] =>
  Array.from({ length: (body?.length ?? 0) / HASH_BYTES }, (_, n) =>
    body!.subarray(n * HASH_BYTES, (n + 1) * HASH_BYTES)
  )

async function linesOf(body: AsyncIterable<Uint8Array>): Promise<Buffer[]> {
  const pieces: Uint8Array[] = []
  for await (const piece of body) pieces.push(piece)
  const text = Buffer.concat(pieces).toString()
  assert.ok(text === '' || text.endsWith('\n'))
  const lines = text.split('\n').slice(0, -1)
  return lines.map(line => Buffer.from(line))
}

test('a client verifies entries, heads and growth with what the operations answer', async t => {
  const audit = await served(t)
  await fill(audit.log, 250)
  const old = await audit.checkpoint()
  await fill(audit.log, 1000)
  const now = await audit.checkpoint()

  const { head, lines } = await audit.entries({ from: 90 })
  const inclusion = await audit.inclusion({ seq: 95 })
  const growth = await audit.consistency({ from: old.size })

  assert.deepEqual(head, { from: 90, to: 1250, size: 1250 })
  assert.equal(lines.length, 1160)
  assert.deepEqual([inclusion.seq, inclusion.size], [95, now.size])
  const root = rootFromInclusion(leafHash(lines[5]!), 95, inclusion.size, hashesOf(inclusion.body))
  assert.deepEqual(Buffer.from(root!), Buffer.from(now.root))
  const claim = { from: old.size, fromRoot: old.root, to: growth.to, toRoot: now.root }
  assert.ok(isConsistent(claim, hashesOf(growth.body)))
})

test('a range ends at what is durable, may be empty, and is not found where there is nothing', async t => {
  const audit = await served(t)
  for (let n = 0; n < 3; n++) await fill(audit.log, 100)
  await audit.log.seal()
  const { size } = audit.log

  const beyond = await audit.entries({ from: size - 1, to: size + 100 })

  assert.deepEqual([beyond.lines.length, beyond.head.to], [1, size])
  assert.deepEqual((await audit.entries({ from: size })).lines, [])
  await audit.log.prune({ maxEntries: 150 })
  const notFound = (error: unknown) => error instanceof OapError && error.code === 'not_found'
  await assert.rejects(audit.entries({ from: 0 }), notFound)
  await assert.rejects(audit.entries({ from: size + 50 }), notFound)
  await assert.rejects(audit.inclusion({ seq: 5, size: size + 50 }), notFound)
  await assert.rejects(audit.inclusion({ seq: size, size }), notFound)
  await assert.rejects(audit.consistency({ from: 5, to: 4 }), notFound)
})

test('a request with a sequence that is none is refused before the log is asked', () => {
  const { entries, inclusion, consistency } = operations
  const empty = new Uint8Array(0)

  for (const from of [-1, 2 ** 53, '1', null]) {
    assert.throws(() => entries.request.decode({ from }, empty), /from/)
    assert.throws(() => consistency.request.decode({ from }, empty), /from/)
    assert.throws(() => inclusion.request.decode({ seq: from }, empty), /seq/)
  }
  assert.throws(() => entries.request.decode({ from: 0 }, Buffer.of(1)), /takes none/)
})
