import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { runPage } from './harness/run-page.ts'

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')

test('the table of exit codes names each code of the command line, and no other', () => {
  const [, table = ''] = /export const EXIT = \{(.*?)\} as const/s.exec(read('../node/setup-error.ts')) ?? []
  const defined = [...table.matchAll(/^ {2}\w+: (\d+)/gm)].map(([, code]) => code)
  const [, section = ''] = read('./operating.md').split('## Exit codes')
  const documented = [...section.matchAll(/^\| (\d+) \|/gm)].map(([, code]) => code)

  assert.ok(defined.length > 0)
  assert.deepEqual(documented, defined)
})

const skip = spawnSync('curl', ['-h']).error === undefined ? false : 'curl is not installed'

test('the commands of the runbooks do what they say', { skip }, async t => {
  const cache = mkdtempSync(join(tmpdir(), 'omnigate-operating-'))
  t.after(() => rmSync(cache, { recursive: true }))

  await runPage(read('./operating.md'), { cache })
})
