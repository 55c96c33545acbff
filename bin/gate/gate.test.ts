import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { missingPart } from './presence.ts'
import { isGreen, verdictOf, writeRecord } from './record.ts'
import { TIERS, readRows, rowsOf, tierOfTag } from './rows.ts'
import type { GateRow } from './rows.ts'
import { limitMs, printRow, printTally, runRow } from './run-row.ts'

const folder = mkdtempSync(join(tmpdir(), 'omnigate gate '))
after(() => rmSync(folder, { recursive: true }))

const page = readFileSync(new URL('../../docs/gates.md', import.meta.url), 'utf8')
const rows = readRows(page)
const row: GateRow = { id: 'A1', tier: 'bronze', shows: 'it holds', command: 'exit 0' }

test('the page has a row for every promise', () => {
  const ids = [
    'A1',
    'A2',
    'A3',
    'B4',
    'B5',
    'B6',
    'B7',
    'B8',
    'B9',
    'C10',
    'C11',
    'C12',
    'D13',
    'D14',
    'E15',
    'E16',
    'E17',
    'E18',
    'E19'
  ]

  assert.deepEqual(
    ids.filter(id => !rows.some(each => each.id === id)),
    []
  )
})

test('a tier runs the rows of those below it', () => {
  const counts = TIERS.map(tier => rowsOf(rows, tier).length)

  assert.ok(counts[0]! > 0 && counts[0]! < counts[1]! && counts[1]! < counts[2]!)
  assert.equal(counts[2], rows.length)
})

test('no command stands twice in the page', () => {
  const commands = rows.flatMap(({ command }) => command ?? [])

  assert.deepEqual(commands, [...new Set(commands)])
})

for (const line of [
  '| A1 | iron | x | `y` |',
  '| A1 | gold | x | y |',
  '| A1 | gold | | `y` |',
  '| A1 | gold | x | `y` | z |'
]) {
  test(`a row that cannot be read is an error: ${line}`, () => {
    assert.throws(() => readRows(line), /cannot be read/)
  })
}

test('a command whose script, file of the script, or test file is absent is not there yet', () => {
  const checkout = {
    scripts: { api: 'node bin/api.ts', gone: 'node bin/gone.ts' },
    has: (path: string) => path === 'bin/api.ts'
  }

  assert.equal(missingPart('npm run api -- --write', checkout), undefined)
  assert.equal(missingPart('npm run fuzz -- --minutes 2', checkout), 'npm run fuzz')
  assert.equal(missingPart('npm run gone', checkout), 'bin/gone.ts')
  assert.equal(missingPart(`node --test bin/api.ts 'bin/**/no.test.ts'`, checkout), 'bin/**/no.test.ts')
})

test('a row passes, fails by its exit code, or is not there yet', async () => {
  const verdicts = await Promise.all([
    runRow(row, undefined, folder),
    runRow({ ...row, command: 'exit 3' }, undefined, folder),
    runRow({ ...row, command: undefined }, undefined, folder),
    runRow(row, 'npm run fuzz', folder)
  ])

  assert.deepEqual(
    verdicts.map(({ verdict }) => verdict),
    ['pass', 'fail', 'not there yet', 'not there yet']
  )
  assert.match(printTally(verdicts), /^1 pass, 1 fail, 2 not there yet, \d+ s$/)
})

test('a row that asks for minutes has them beside those of its tier', () => {
  const minutes = (command: string) => limitMs({ ...row, command }) / 60_000

  assert.equal(minutes('npm run soak -- --minutes 1440'), 1470)
  assert.equal(minutes('npm run conformance'), 30)
})

test('bronze asks for a day of use', () => {
  const commands = rowsOf(rows, 'bronze').map(({ command }) => command)

  assert.ok(commands.includes('npm run soak -- --minutes 1440'))
})

test('a row whose tests were skipped, or that ran none, has not passed', async () => {
  const printed = (text: string) => runRow({ ...row, command: `printf '${text}'` }, undefined, folder)

  assert.equal((await printed('ℹ tests 3\\nℹ skipped 0\\n')).verdict, 'pass')
  assert.deepEqual((await printed('ℹ tests 3\\nℹ skipped 1\\n')).notes, ['1 skipped'])
  assert.equal((await printed('ℹ tests 3\\nℹ skipped 1\\n')).verdict, 'fail')
  assert.equal((await printed('ℹ tests 0\\n')).verdict, 'fail')
})

test('what a command notes stands in the line of its row', async () => {
  const result = await runRow({ ...row, command: 'echo "note: nothing to compare with"' }, undefined, folder)

  assert.match(printRow(result), /^A1 +pass +\d+\.\d s {2}it holds \(nothing to compare with\)$/)
})

test('a gate is green for the commit and the rows it ran over, and for lower tiers', async () => {
  const result = await runRow(row, undefined, folder)
  writeRecord(folder, 'c0ffee', 'silver', [result])

  assert.equal(isGreen(folder, 'c0ffee', 'silver', [row]), true)
  assert.equal(isGreen(folder, 'c0ffee', 'bronze', [row]), true)
  assert.equal(isGreen(folder, 'c0ffee', 'gold', [row]), false)
  assert.equal(isGreen(folder, 'decade', 'bronze', [row]), false)
  assert.equal(isGreen(folder, 'c0ffee', 'bronze', [row, { ...row, command: 'exit 1' }]), false)
})

test('a row says what became of it over a commit, in any tier, and nothing where it did not run', async () => {
  const failed = { ...row, shows: 'it falls', command: 'exit 1' }
  writeRecord(folder, 'ca5cade', 'bronze', [await runRow(failed, undefined, folder)])
  writeRecord(folder, 'ca5cade', 'silver', [await runRow(row, undefined, folder)])

  const verdicts = [row, failed, { ...row, command: 'exit 2' }].map(each =>
    verdictOf(folder, 'ca5cade', each)
  )
  assert.deepEqual(verdicts, ['pass', 'fail', undefined])
  assert.equal(verdictOf(folder, 'decade', row), undefined)
})

test('a gate with a failed row is not green', async () => {
  writeRecord(folder, 'facade', 'bronze', [await runRow({ ...row, command: 'exit 1' }, undefined, folder)])

  assert.equal(isGreen(folder, 'facade', 'bronze', [{ ...row, command: 'exit 1' }]), false)
})

for (const [tag, tier] of [
  ['v0.1.0', 'bronze'],
  ['v0.9.3-rc.1', 'bronze'],
  ['v1.0.0-rc.1', 'silver'],
  ['v1.2.0', 'silver'],
  ['v2.0.0', 'gold']
] as const) {
  test(`the tag ${tag} needs ${tier}`, () => assert.equal(tierOfTag(tag), tier))
}

test('a tag that is no version is refused', () => {
  assert.throws(() => tierOfTag('latest'), /not a tag/)
})
