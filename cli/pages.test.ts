import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, suite, test } from 'node:test'
import { runPage } from '../docs/harness/run-page.ts'
import { COMMANDS } from './commands/index.ts'

const FOLDER = new URL('../docs/cli/', import.meta.url)
const pages = readdirSync(FOLDER).filter(name => name.endsWith('.md'))

test('every command has a page, and every page a command', () => {
  const named = COMMANDS.map(({ name }) => `${name.replace(' ', '-')}.md`)

  assert.deepEqual(pages.filter(name => name !== 'README.md').toSorted(), named.toSorted())
})

const cache = mkdtempSync(join(tmpdir(), 'omnigate-pages-cache-'))
after(() => rmSync(cache, { recursive: true, force: true }))

suite('what docs/cli shows is what happens', { concurrency: 2 }, () => {
  for (const name of pages) {
    test(name, () => runPage(readFileSync(new URL(name, FOLDER), 'utf8'), { cache }))
  }
})
