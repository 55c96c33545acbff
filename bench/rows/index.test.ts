import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { ROWS } from './index.ts'

/** What the design asks for, and the rows that were added to it. */
const DESIGNED = Array.from({ length: 15 }, (_, n) => `P${n + 1}`)
const ADDED = ['P1b', 'P13b', 'P16', 'P17']

const text = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')

test('there is a row for each that the design asks for, in their order', () => {
  const ids = ROWS.map(({ id }) => id)

  const sorted = ids.toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }))
  assert.deepEqual(ids.toSorted(), [...DESIGNED, ...ADDED].toSorted())
  assert.deepEqual(
    ids.filter(id => !ADDED.includes(id)),
    sorted.filter(id => !ADDED.includes(id))
  )
})

test('the page says of each row what it compares', () => {
  const page = text('../README.md')

  const told = ROWS.filter(({ id }) => !new RegExp(`^\\| ${id} +\\|`, 'm').test(page)).map(({ id }) => id)
  assert.deepEqual(told, [])
})

test('a gate runs each row by its name, but for the rows of the codec and of turns, which gold runs with all', () => {
  const gates = text('../../docs/gates.md')

  const unnamed = ROWS.filter(({ id }) => !new RegExp(`--row ${id}\\b`).test(gates)).map(({ id }) => id)
  assert.deepEqual(unnamed, ['P1b', 'P8'])
  assert.match(gates, /\| gold \|.*\| `npm run bench` \|/)
})
