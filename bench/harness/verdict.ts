import { rounded } from './statistics.ts'

export interface Check {
  readonly what: string
  readonly value: number | null
  readonly bar: string
  readonly pass: boolean
  /** Why there is no value. */
  readonly missing?: string
}

/** What a row measured, before it is judged. The first check is the row's headline. */
export interface Figures {
  readonly what: string
  readonly ours: number | null
  readonly others: Readonly<Record<string, number | Missing>>
  readonly limit: number | null
  readonly checks: readonly Check[]
  readonly spread: Readonly<Record<string, number>>
  /** Absolute figures that no bar judges: CPU, percentiles, sizes. */
  readonly notes: Readonly<Record<string, number>>
}

export interface Missing {
  readonly missing: string
}

export interface RowResult extends Figures {
  readonly row: string
  readonly ratio: number | null
  readonly bar: string
  readonly pass: boolean
  readonly machine: string
}

export function atLeast(what: string, bar: number, value: number | Missing): Check {
  return check(what, `>= ${bar}`, value, found => found >= bar)
}

export function atMost(what: string, bar: number, value: number | Missing): Check {
  return check(what, `<= ${bar}`, value, found => found <= bar)
}

function check(what: string, bar: string, value: number | Missing, holds: (value: number) => boolean): Check {
  if (typeof value !== 'number') return { what, value: null, bar, pass: false, missing: value.missing }
  if (!Number.isFinite(value))
    return { what, value: null, bar, pass: false, missing: `not a figure: ${value}` }
  return { what, value: rounded(value), bar, pass: holds(value) }
}

/** `over / under`, or the reason why one of them is missing. */
export function ratio(over: number | Missing, under: number | Missing): number | Missing {
  if (typeof over !== 'number') return over
  if (typeof under !== 'number') return under
  return over / under
}

/** A row passes when every one of its checks passes; a check that could not be made does not. */
export function judge(row: string, machine: string, figures: Figures): RowResult {
  const headline = figures.checks[0]
  if (headline === undefined) throw new RangeError(`${row}: no checks`)
  return {
    row,
    what: figures.what,
    ours: figures.ours,
    others: figures.others,
    limit: figures.limit,
    ratio: headline.value,
    bar: headline.bar,
    pass: figures.checks.every(({ pass }) => pass),
    spread: figures.spread,
    machine,
    checks: figures.checks,
    notes: figures.notes
  }
}
