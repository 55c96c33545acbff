// Runs the rows of a release gate: `npm run gate -- bronze`. What is in a gate stands in docs/gates.md.
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { missingPart } from './gate/presence.ts'
import type { Checkout } from './gate/presence.ts'
import { cleanCommit, verdictOf, writeRecord } from './gate/record.ts'
import { isTier, readRows, rowsOf } from './gate/rows.ts'
import type { GateRow, Tier } from './gate/rows.ts'
import { printRow, printTally, runRow } from './gate/run-row.ts'
import type { RowResult } from './gate/run-row.ts'

const USAGE = 'usage: npm run gate -- bronze|silver|gold [--list] [--only ID | --without ID ...]'
const SHOWN_OUTPUT_LINES = 40

const root = fileURLToPath(new URL('../', import.meta.url))
const { tier, list, only, without } = readArguments()
const rows = rowsOf(readRows(readFileSync(join(root, 'docs', 'gates.md'), 'utf8')), tier).filter(
  ({ id }) => (only === undefined || id === only) && !without.includes(id)
)
if (rows.length === 0) refuse(`${tier} has no row ${only}`)
if (list) {
  const commit = cleanCommit(root)
  for (const row of rows)
    console.log(
      `${row.id.padEnd(4)} ${standing(row, commit).padEnd(9)}  ${row.shows}: ${row.command ?? 'not there yet'}`
    )
} else process.exitCode = await runAll(rows)

/** Of a row when it ran last; a tree with changes is no commit that anything ran over. */
function standing(row: GateRow, commit: string | undefined): string {
  const verdict = commit === undefined ? undefined : verdictOf(root, commit, row)
  return verdict === undefined ? 'not run' : verdict === 'pass' ? 'green' : 'not green'
}

async function runAll(rows: readonly GateRow[]): Promise<number> {
  const commit = cleanCommit(root)
  const checkout = checkoutOf()
  const results: RowResult[] = []
  for (const row of rows) {
    const missing = row.command === undefined ? undefined : missingPart(row.command, checkout)
    const result = await runRow(row, missing, root)
    results.push(result)
    console.log(printRow(result))
    if (result.verdict === 'fail') console.error(ended(result))
  }
  const isGreen = results.every(({ verdict }) => verdict === 'pass')
  console.log(`${tier}${part()}: ${isGreen ? 'green' : 'not green'}: ${printTally(results)}`)
  keep(commit, results)
  return isGreen ? 0 : 1
}

/** What was left out of the tier. */
function part(): string {
  if (only !== undefined) return `, ${only} alone`
  return without.length === 0 ? '' : `, without ${without.join(' and ')}`
}

function keep(commit: string | undefined, results: readonly RowResult[]): void {
  if (part() !== '') console.log('not recorded: only a part ran')
  else if (commit === undefined || cleanCommit(root) !== commit)
    console.log('not recorded: the tree has changes')
  else console.log(`recorded in ${writeRecord(root, commit, tier, results).slice(root.length)}`)
}

function ended({ command = '', output }: RowResult): string {
  const lines = output.split('\n').slice(-SHOWN_OUTPUT_LINES)
  return [`  ${command} ended with:`, ...lines.map(line => `  | ${line}`)].join('\n')
}

function checkoutOf(): Checkout {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Pick<
    Checkout,
    'scripts'
  >
  return { scripts, has: pattern => globSync(pattern, { cwd: root }).length > 0 }
}

interface Arguments {
  readonly tier: Tier
  readonly list: boolean
  readonly only: string | undefined
  readonly without: readonly string[]
}

function readArguments(): Arguments {
  const options = {
    list: { type: 'boolean', default: false },
    only: { type: 'string' },
    without: { type: 'string', multiple: true }
  } as const
  try {
    const { values, positionals } = parseArgs({ options, allowPositionals: true })
    const [word = '', ...rest] = positionals
    const { list: isList, only: alone, without: leftOut = [] } = values
    const isTwice = alone !== undefined && leftOut.length > 0
    if (!isTier(word) || rest.length > 0 || isTwice) refuse(USAGE)
    return { tier: word, list: isList, only: alone, without: leftOut }
  } catch (error) {
    return refuse(`${(error as Error).message}; ${USAGE}`)
  }
}

function refuse(problem: string): never {
  console.error(`gate: ${problem}`)
  process.exit(64)
}
