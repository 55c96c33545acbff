import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { CANARY, CanarySearch } from './canary.ts'

const BODY = `m1|${CANARY.repeat(8)}`

const SHOWN: Readonly<Record<string, string>> = {
  text: BODY,
  hex: Buffer.from(BODY).toString('hex'),
  numbers: JSON.stringify([...Buffer.from(BODY)]),
  ...Object.fromEntries(
    ['', 'x', 'xy'].map(before => [
      `base64 after ${before.length}`,
      Buffer.from(before + BODY).toString('base64')
    ])
  )
}

for (const [form, text] of Object.entries(SHOWN))
  test(`a sealed body in a log is found as ${form}, in pieces of any length`, () => {
    for (const length of [1, 7, 100, text.length]) {
      const search = new CanarySearch()
      const line = `{"msg":"${text}"}\n`
      for (let at = 0; at < line.length; at += length) search.read('the log', line.slice(at, at + length))

      assert.deepEqual(
        search.violations.map(({ rule, detail }) => [rule, detail]),
        [['shown', `a sealed body stands as ${form.split(' ')[0]} in the log`]]
      )
    }
  })

test('a sealed body is found in a file of the audit log and in a log of LevelDB, and not missed in the store', async t => {
  const data = mkdtempSync(join(tmpdir(), 'canary-'))
  t.after(() => rmSync(data, { recursive: true }))
  for (const folder of ['audit/segments/0', 'store']) mkdirSync(join(data, folder), { recursive: true })
  writeFileSync(join(data, 'audit/segments/0/entries.ndjson'), `{"detail":"${BODY}"}\n`)
  writeFileSync(join(data, 'store/LOG'), 'nothing')
  writeFileSync(join(data, 'store/000003.log'), BODY)
  const search = new CanarySearch()

  await search.readFolder(data)
  const first = search.violations.length
  writeFileSync(join(data, 'store/LOG'), BODY)
  await search.readFolder(data)

  assert.deepEqual([first, search.violations.length], [1, 2])
})

test('what shows parts of no sealed body is not found, and counted', () => {
  const search = new CanarySearch()

  search.read('the log', CANARY.slice(0, -1))
  search.read('the metrics', CANARY.slice(1))

  assert.deepEqual(search.violations, [])
  assert.equal(search.searched('the log'), CANARY.length - 1)
})
