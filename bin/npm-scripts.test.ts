import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')
const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }

/** What npm puts in the way of either shell. */
const PROGRAMS = new Set(['node', 'prettier', 'oxlint', 'tsc'])

for (const [name, line] of Object.entries(scripts)) {
  test(`npm run ${name} is a line that sh and cmd.exe read alike`, () => {
    assert.doesNotMatch(line, /['$%;`\\]/)
    for (const command of line.split(' && ')) {
      const [first = ''] = command.split(' ')
      assert.ok(PROGRAMS.has(first) || read(`${first}.cmd`).endsWith('\n@%*\n'), first)
    }
  })
}
