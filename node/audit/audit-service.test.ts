import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import pino from 'pino'
import { OapError, auditService } from '../../protocols/index.ts'
import { connect } from '../../sdk/index.ts'
import { loadConfig } from '../config/index.ts'
import { createNode } from '../node.ts'
import type { AuditLog } from './audit-log.ts'
import { auditOver } from './audit-service.ts'
import { openCheckpoint } from './checkpoint.ts'
import { fill, scratchLog } from './log.fixture.ts'
import { logPaths } from './log-folder.ts'
import { HASH_BYTES, isConsistent, leafHash, rootFromInclusion } from './merkle.ts'
import { parseVerifierKey } from './signed-note.ts'

async function served(t: TestContext) {
  const { folder, open } = await scratchLog(t, { segment: { entries: 100 } })
  const log: AuditLog = await open()
  const flags = {
    'node.listen': ['/ip4/127.0.0.1/tcp/0'],
    'http.listen': '127.0.0.1:0',
    'strangers.loopbackIsKnown': true
  }
  const node = createNode(loadConfig({ flags }).config, {
    services: [auditOver(log)],
    overrides: { log: pino({ level: 'silent' }) }
  })
  await node.start()
  const hub = await connect(node.status().addresses[0]!)
  t.after(async () => {
    await hub.close()
    await node.stop()
  })
  const key = parseVerifierKey(readFileSync(logPaths(folder).verifierKey, 'utf8').trim())
  const head = (note: Uint8Array) => openCheckpoint(Buffer.from(note).toString(), key)
  return { log, audit: hub.client(auditService), head }
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
  return text
    .split('\n')
    .slice(0, -1)
    .map(line => Buffer.from(line))
}

test('a client verifies entries, heads and growth with what the operations answer', async t => {
  const { log, audit, head } = await served(t)
  await fill(log, 250)
  const old = head(await audit.checkpoint({}))
  await fill(log, 1000)
  const now = head(await audit.checkpoint({}))

  const { head: range, body } = await audit.entries({ from: 90 })
  const lines = await linesOf(body)
  const inclusion = await audit.inclusion({ seq: 95 })
  const growth = await audit.consistency({ from: old.size })

  assert.deepEqual(range, { from: 90, to: 1250, size: 1250 })
  assert.equal(lines.length, 1160)
  assert.equal(inclusion.size, now.size)
  const root = rootFromInclusion(leafHash(lines[5]!), 95, inclusion.size, hashesOf(inclusion.body))
  assert.deepEqual(Buffer.from(root!), Buffer.from(now.root))
  const claim = { from: old.size, fromRoot: old.root, to: growth.to, toRoot: now.root }
  assert.ok(isConsistent(claim, hashesOf(growth.body)))
})

test('a range ends at what is durable, may be empty, and is not found where there is nothing', async t => {
  const { log, audit } = await served(t)
  for (let n = 0; n < 3; n++) await fill(log, 100)
  await log.seal()
  const size = log.size

  const beyond = await audit.entries({ from: size - 1, to: size + 100 })
  assert.equal((await linesOf(beyond.body)).length, 1)
  assert.equal(beyond.head.to, size)
  assert.deepEqual(await linesOf((await audit.entries({ from: size })).body), [])
  await log.prune({ maxEntries: 150 })
  const notFound = (error: unknown) => error instanceof OapError && error.code === 'not_found'
  await assert.rejects(audit.entries({ from: 0 }), notFound)
  await assert.rejects(audit.entries({ from: size + 50 }), notFound)
  await assert.rejects(audit.inclusion({ seq: 5, size: size + 50 }), notFound)
  await assert.rejects(audit.inclusion({ seq: size, size }), notFound)
  await assert.rejects(audit.consistency({ from: 5, to: 4 }), notFound)
  await assert.rejects(audit.entries({ from: -1 }), /from/)
})
