import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')

test('the table of exit codes names each code of the command line, and no other', () => {
  const [, table = ''] = /export const EXIT = \{(.*?)\} as const/s.exec(read('../node/setup-error.ts')) ?? []
  const defined = [...table.matchAll(/^ {2}\w+: (\d+)/gm)].map(([, code]) => code)
  const [, section = ''] = read('./operating.md').split('## Exit codes')
  const documented = [...section.matchAll(/^\| (\d+) \|/gm)].map(([, code]) => code)

  assert.ok(defined.length > 0)
  assert.deepEqual(documented, defined)
})
