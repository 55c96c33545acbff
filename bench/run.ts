import { readFileSync, writeFileSync } from 'node:fs'
import { performance } from 'node:perf_hooks'
import { benchArguments, UsageError, type BenchArguments } from './harness/arguments.ts'
import { commit, machine, versions } from './harness/machine.ts'
import { summaryOf } from './harness/report.ts'
import { withResult } from './harness/results-table.ts'
import type { Row } from './harness/row.ts'
import { judge, type RowResult } from './harness/verdict.ts'
import { ROWS } from './rows/index.ts'

const RESULTS = new URL('./results.md', import.meta.url)
const EXIT = { passed: 0, missedBar: 1, usage: 2, broken: 3 } as const

const say = (line: string) => void process.stderr.write(`${line}\n`)

process.exitCode = await bench(process.argv.slice(2))

async function bench(argv: readonly string[]): Promise<number> {
  let wanted: BenchArguments
  try {
    wanted = benchArguments(
      argv,
      ROWS.map(({ id }) => id)
    )
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    say(`bench: ${error.message}`)
    return EXIT.usage
  }
  const codes: number[] = []
  for (const row of ROWS.filter(({ id }) => wanted.rows.includes(id))) codes.push(await benchRow(row, wanted))
  return Math.max(...codes)
}

async function benchRow(row: Row, { rounds, smoke, json, record }: BenchArguments): Promise<number> {
  const started = performance.now()
  say(`${row.id}: ${row.summary}`)
  let result: RowResult
  try {
    result = judge(row.id, machine(), await row.run({ rounds, smoke, say: line => say(`  ${line}`) }))
  } catch (error) {
    say(`${row.id}: could not run: ${error instanceof Error ? error.message : String(error)}`)
    return EXIT.broken
  }
  say(`${row.id}: took ${Math.round((performance.now() - started) / 1000)} s`)
  process.stdout.write(`${json ? JSON.stringify(result) : summaryOf(result)}\n`)
  if (record) keep(result)
  return result.pass || smoke ? EXIT.passed : EXIT.missedBar
}

function keep(result: RowResult): void {
  writeFileSync(RESULTS, withResult(recorded(), result, commit(), versions()))
}

function recorded(): string {
  try {
    return readFileSync(RESULTS, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}
