import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withResult } from './results-table.ts'
import { atLeast, judge } from './verdict.ts'

const result = (row: string, value: number) =>
  judge(row, '2 x CPU', {
    what: 'echo, req/s',
    ours: 120_000,
    others: { plain: 20_000, nats: { missing: 'no Go' } },
    limit: null,
    checks: [atLeast('x plain', 6, value)],
    spread: { ours: 0.123 },
    notes: {}
  })

test('a first result makes the page with its one line', () => {
  const page = withResult('', result('P1', 6.5), 'abc', 'node 24')

  assert.match(page, /^# Results/)
  assert.match(
    page,
    /^\| P1 \| abc \| 2 x CPU \| node 24 \| 120000 .*nats missing: no Go.*12 %.*x plain: 6.5 \(>= 6\) \| yes \|$/m
  )
})

test('a later result replaces the line of its row and leaves the others', () => {
  const before = ['P11', 'P2', 'P1', 'P1b'].reduce(
    (page, row) => withResult(page, result(row, 7), 'abc', 'v'),
    ''
  )

  const after = withResult(before, result('P2', 3), 'def', 'v')

  const rows = [...after.matchAll(/^\| (P\w+) \| (\w+)/gm)].map(([, row, commit]) => `${row} ${commit}`)
  assert.deepEqual(rows, ['P1 abc', 'P1b abc', 'P2 def', 'P11 abc'])
  assert.match(after, /x plain: 3 \(>= 6, not reached\) \| no \|/)
})

test('a figure cannot break the table', () => {
  const odd = { ...result('P1', 7), what: 'a|b\nc' }

  const row = withResult('', odd, 'abc', 'v')
    .split('\n')
    .find(line => line.startsWith('| P1'))

  assert.equal(row?.split('|').length, 12)
})

test('what stands below the table stays', () => {
  const page = `${withResult('', result('P1', 7), 'abc', 'v')}\n## Longest real runs\n\n| what | length |\n| P1, twice as long | 5 s |\n`

  const after = withResult(page, result('P2', 7), 'abc', 'v')

  assert.match(
    after,
    /^\| P2 .*\n\n## Longest real runs\n\n\| what \| length \|\n\| P1, twice as long \| 5 s \|\n$/m
  )
})
