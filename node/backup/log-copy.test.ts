import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { verifyAudit } from '../audit/index.ts'
import { HUB_ID, fill, scratchLog } from '../audit/log.fixture.ts'
import { copyLog } from './log-copy.ts'

test('a copy has all segments of a log, pruned, sealed, closed and open, and verifies like it', async t => {
  const { folder, open } = await scratchLog(t, { segment: { entries: 300 } })
  const log = await open()
  const copies = join(dirname(folder), 'copy')
  for (const [at, entries] of [700, 300, 300, 20].entries()) {
    await fill(log, entries)
    if (at < 2) await log.seal()
    if (at === 1) assert.ok((await log.prune({ maxEntries: 400 })) > 0)

    const { size, checkpoint } = await copyLog(log, `${copies}${at}`)

    const verdict = await verifyAudit(`${copies}${at}`, HUB_ID)
    assert.deepEqual([verdict.problem, verdict.covered, size], [undefined, log.size, log.size])
    assert.equal(verdict.first, log.first)
    assert.equal(await readFile(join(`${copies}${at}`, 'checkpoint'), 'utf8'), checkpoint)
  }
})

test('a log without entries is copied too', async t => {
  const { folder, open } = await scratchLog(t)
  const log = await open()

  const { size } = await copyLog(log, join(dirname(folder), 'copy'))

  assert.equal(size, 0)
  assert.deepEqual((await verifyAudit(join(dirname(folder), 'copy'), HUB_ID)).problem, undefined)
})

test('entries that are appended while a log is copied do not spoil the copy', async t => {
  const { folder, open } = await scratchLog(t, { segment: { entries: 200 } })
  const log = await open()
  await fill(log, 150)
  let isOver = false
  const appending = (async () => {
    while (!isOver) await fill(log, 37)
  })()

  const sizes: number[] = []
  for (let n = 0; n < 4; n++) {
    const { size } = await copyLog(log, join(dirname(folder), `copy${n}`))
    sizes.push(size)
  }
  isOver = true
  await appending

  for (const [n, size] of sizes.entries()) {
    const { problem, entries, covered } = await verifyAudit(join(dirname(folder), `copy${n}`), HUB_ID)
    assert.deepEqual([problem, entries, covered], [undefined, size, size])
  }
  assert.ok(sizes.at(-1)! > sizes[0]!)
})
