import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import * as federation from './index.ts'
import type { StatementKind } from './index.ts'

type Kind = StatementKind<never> & { readonly role?: string }

const text = readFileSync(new URL('../specs/federation-links.md', import.meta.url), 'utf8')
const ROW = /^\| [a-z ]+ +\| `(omnigate\/[a-z-]+\/1)` +\| ([^|]+?) +\| (\d+) +\| [a-z]/gm
const rows = new Map(
  Array.from(text.matchAll(ROW), ([, tag = '', by = '', chars = '']) => [tag, { by, chars: Number(chars) }])
)

const isKind = (value: unknown): value is Kind =>
  typeof value === 'object' && value !== null && 'tag' in value && 'form' in value && 'maxChars' in value

test('every kind of statement has its row in specs/federation-links.md, section 3', () => {
  const kinds = Object.values(federation as Readonly<Record<string, unknown>>).filter(isKind)

  assert.ok(kinds.length >= 9, `${kinds.length} kinds`)
  for (const { tag, maxChars, role } of kinds) {
    const by = role === undefined ? 'the hub key' : `a key of the role \`${role}\``
    assert.deepEqual(rows.get(tag), { by, chars: maxChars }, tag)
  }
  assert.equal(rows.size, text.match(/^\| [a-z ]+\| `omnigate\//gm)?.length)
})
