import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import { AuditLog, verifyCosigned } from 'omnigate'
import { Litewitness, buildLitewitness } from './litewitness.ts'
import { appendMany, newLogFolder, scratchFolder } from './sample-log.ts'

// Its database alone is a minute to compile: `.ci/full` asks for it.
const skip = process.env['WITNESS'] ? false : 'WITNESS is not set: litewitness is compiled by .ci/full'

describe('litewitness', { skip }, () => {
  before(() => void buildLitewitness())

  test('cosigns a log of ours as it grows, in a line that we read, and refuses what does not go on', async t => {
    const parent = scratchFolder(t)
    const folder = await newLogFolder(parent)
    await using log = await AuditLog.open(folder)
    await using witness = await Litewitness.start(parent, await freePort())
    const key = readFileSync(join(folder, 'log.vkey'), 'utf8').trim()
    witness.knows(log.origin, key)
    const asked = async (old: number, count: number, from = old) => {
      await appendMany(log, count)
      const note = await log.checkpoint()
      const size = Number(note.split('\n')[1])
      const { hashes } = old === 0 ? { hashes: [] } : await log.consistency(from, size)
      return { note, size, ...(await witness.addCheckpoint(old, hashes, note)) }
    }

    const first = await asked(0, 5)
    const second = await asked(first.size, 300)
    for (const { note, size, status, body } of [first, second]) {
      assert.equal(status, 200, body)
      const verdict = verifyCosigned(note + body, key, [witness.key])
      assert.deepEqual([verdict.size, verdict.witnesses[0]?.name], [size, 'example.com/witness'])
      assert.ok(Math.abs(verdict.witnesses[0]!.at! - Date.now() / 1000) < 60)
    }

    const known = await asked(first.size, 7)
    assert.deepEqual([known.status, known.body], [409, `${second.size}\n`])
    const unproved = await asked(second.size, 1, first.size)
    assert.equal(unproved.status, 422, unproved.body)
    const third = await asked(second.size, 1)
    assert.equal(third.status, 200, third.body)
  })
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise(listening => server.once('listening', listening))
  const { port } = server.address() as AddressInfo
  await new Promise(closed => server.close(closed))
  return port
}
