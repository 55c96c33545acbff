import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { TIERS } from './rows.ts'
import type { GateRow, Tier } from './rows.ts'
import type { RowResult } from './run-row.ts'

/** What is left of a run over a clean tree. */
export interface GateRecord {
  readonly commit: string
  readonly tier: Tier
  readonly rows: readonly (GateRow & { readonly verdict: string; readonly seconds: number })[]
}

/** The commit of a checkout without changes; undefined while there are some. */
export function cleanCommit(root: string): string | undefined {
  const git = (...words: string[]): string =>
    execFileSync('git', words, { cwd: root, encoding: 'utf8' }).trim()
  return git('status', '--porcelain') === '' ? git('rev-parse', 'HEAD') : undefined
}

/** Keeps a result, and returns where. */
export function writeRecord(root: string, commit: string, tier: Tier, results: readonly RowResult[]): string {
  const rows = results.map(({ id, tier: lowest, shows, command, verdict, seconds }) => ({
    id,
    tier: lowest,
    shows,
    command,
    verdict,
    seconds: Math.round(seconds * 10) / 10
  }))
  const path = recordPath(root, commit, tier)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, `${JSON.stringify({ commit, tier, rows }, null, 2)}\n`)
  return path
}

/** True when a run of this tier, or of one above it, was green for the commit and covered all rows that are there now. */
export function isGreen(root: string, commit: string, tier: Tier, rows: readonly GateRow[]): boolean {
  return TIERS.slice(TIERS.indexOf(tier)).some(each => {
    const record = readRecord(recordPath(root, commit, each))
    return record?.commit === commit && rows.every(row => hasPassed(record, row))
  })
}

/** What became of a row over the commit, in whatever tier it ran; undefined where it did not. */
export function verdictOf(root: string, commit: string, { id, shows, command }: GateRow): string | undefined {
  const rows = TIERS.flatMap(tier => readRecord(recordPath(root, commit, tier))?.rows ?? [])
  const ran = rows.filter(row => row.id === id && row.shows === shows && row.command === command)
  return ran.find(({ verdict }) => verdict === 'pass')?.verdict ?? ran[0]?.verdict
}

const hasPassed = ({ rows }: GateRecord, { id, shows, command }: GateRow): boolean =>
  rows.some(row => row.id === id && row.shows === shows && row.command === command && row.verdict === 'pass')

const recordPath = (root: string, commit: string, tier: Tier): string =>
  join(root, '.cache', 'gates', commit, `${tier}.json`)

function readRecord(path: string): GateRecord | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as GateRecord
  } catch {
    return undefined
  }
}
