import { spawn } from 'node:child_process'
import { delimiter, join } from 'node:path'
import type { GateRow, Tier } from './rows.ts'

export type Verdict = 'pass' | 'fail' | 'not there yet'

export interface RowResult extends GateRow {
  readonly verdict: Verdict
  readonly seconds: number
  /** Lines that the command marked with `note:`, and what is missing or wrong. */
  readonly notes: readonly string[]
  /** The end of what the command printed. */
  readonly output: string
}

const MINUTE_MS = 60_000
const LIMIT_MINUTES: Record<Tier, number> = { bronze: 30, silver: 30, gold: 180 }
const KEPT_CHARS = 20_000

/** Runs one row's command in the checkout; never rejects. */
export async function runRow(row: GateRow, missing: string | undefined, root: string): Promise<RowResult> {
  if (row.command === undefined || missing !== undefined) {
    const notes = missing === undefined ? [] : [`${missing} does not exist`]
    return { ...row, verdict: 'not there yet', seconds: 0, notes, output: '' }
  }
  const started = performance.now()
  const { code, output } = await run(row.command, root, limitMs(row))
  const left = leftOut(output)
  const notes = [...output.split('\n').flatMap(line => /^note: (.*)/.exec(line)?.[1] ?? []), ...left]
  const verdict = code === 0 && left.length === 0 ? 'pass' : 'fail'
  return { ...row, verdict, seconds: (performance.now() - started) / 1000, notes, output: output.trimEnd() }
}

/** How long a row may take before it has failed: what its tier gives, and the minutes that its command asks for. */
export function limitMs({ tier, command = '' }: GateRow): number {
  const [, minutes = '0'] = / --minutes (\d+)/.exec(command) ?? []
  return (LIMIT_MINUTES[tier] + Number(minutes)) * MINUTE_MS
}

/** What the test runner says it did not run: a test that was skipped has shown nothing. */
function leftOut(output: string): string[] {
  const [, tests] = /^ℹ tests (\d+)$/m.exec(output) ?? []
  if (tests === '0') return ['no test ran']
  const counts = [...output.matchAll(/^ℹ (skipped|todo|cancelled) (\d+)$/gm)]
  return counts.filter(([, , count]) => count !== '0').map(([, what, count]) => `${count} ${what}`)
}

export function printRow({ id, verdict, seconds, shows, notes }: RowResult): string {
  const time = verdict === 'not there yet' ? '' : `${seconds.toFixed(1)} s`
  const tail = notes.length === 0 ? '' : ` (${notes.join('; ')})`
  return `${id.padEnd(4)} ${verdict.padEnd(13)} ${time.padStart(8)}  ${shows}${tail}`
}

/** `13 pass, 1 fail, 2 not there yet, 74 s`. */
export function printTally(results: readonly RowResult[]): string {
  const counts = (['pass', 'fail', 'not there yet'] as const).map(verdict => ({
    verdict,
    count: results.filter(row => row.verdict === verdict).length
  }))
  const seconds = results.reduce((sum, row) => sum + row.seconds, 0)
  const parts = counts.filter(({ count }) => count > 0).map(({ verdict, count }) => `${count} ${verdict}`)
  return [...parts, `${Math.round(seconds)} s`].join(', ')
}

function run(command: string, root: string, mostMs: number): Promise<{ code: number; output: string }> {
  const path = `${join(root, 'node_modules', '.bin')}${delimiter}${process.env['PATH'] ?? ''}`
  const isGroup = process.platform !== 'win32'
  const child = spawn(command, {
    cwd: root,
    shell: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: isGroup,
    env: { ...process.env, PATH: path, NODE_OPTIONS: '', FORCE_COLOR: '0' }
  })
  const stop = (signal: NodeJS.Signals): void => {
    if (child.pid === undefined) return
    try {
      process.kill(isGroup ? -child.pid : child.pid, signal)
    } catch {
      // It has ended by itself.
    }
  }
  const onInterrupt = (): void => stop('SIGINT')
  process.once('SIGINT', onInterrupt)
  return new Promise(resolve => {
    let output = ''
    const keep = (text: string): void => void (output = (output + text).slice(-KEPT_CHARS))
    const timer = setTimeout(() => {
      keep(`\nnote: stopped after ${mostMs / MINUTE_MS} minutes\n`)
      stop('SIGKILL')
    }, mostMs)
    const end = (code: number): void => {
      clearTimeout(timer)
      process.removeListener('SIGINT', onInterrupt)
      resolve({ code, output })
    }
    child.stdout.setEncoding('utf8').on('data', keep)
    child.stderr.setEncoding('utf8').on('data', keep)
    child.on('error', error => {
      keep(error.message)
      end(1)
    })
    child.on('close', code => end(code ?? 1))
  })
}
