import { CommandError } from './command-error.ts'
import { EXIT } from './exit-codes.ts'

const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 } as const
const DURATION = /^(\d{1,9})([smhd])$/
const DATE = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?Z)?$/

/** Seconds in a time as people write it: `90s`, `15m`, `24h`, `30d`. @throws CommandError `usage` */
export function durationS(option: string, text: string): number {
  const seconds = readDuration(text)
  if (seconds !== undefined) return seconds
  throw new CommandError(EXIT.usage, `--${option} ${text}: write a number with s, m, h or d, as in 15m`)
}

/**
 * A point in time as Unix seconds: given as such, as a date in UTC, or as how long from now.
 * @throws CommandError `usage`
 */
export function momentS(option: string, text: string, nowS: number): number {
  if (/^\d{9,15}$/.test(text)) return Number(text)
  const ms = DATE.test(text) ? Date.parse(text) : NaN
  if (!Number.isNaN(ms)) return ms / 1000
  const ahead = readDuration(text)
  if (ahead !== undefined) return nowS + ahead
  throw new CommandError(
    EXIT.usage,
    `--${option} ${text}: write a time in UTC as 2030-01-31T12:00Z, how far ahead as 30d, or Unix seconds`
  )
}

function readDuration(text: string): number | undefined {
  const [, digits, unit] = DURATION.exec(text) ?? []
  return digits === undefined ? undefined : Number(digits) * SECONDS[unit as keyof typeof SECONDS]
}

/** `2030-01-31T12:00:00Z`; the number itself where no date is that far. */
export function dateText(unixS: number): string {
  const date = new Date(unixS * 1000)
  return Number.isNaN(date.getTime()) ? `${unixS} s` : date.toISOString().replace('.000Z', 'Z')
}

/** What is left until a time, in two units at most: `14 min`, `23 h 59 min`; `over` when it has passed. */
export function leftText(unixS: number, nowS: number): string {
  const left = unixS - nowS
  if (left <= 0) return 'over'
  const [d, h, m] = [Math.floor(left / 86_400), Math.floor(left / 3600) % 24, Math.floor(left / 60) % 60]
  if (d > 0) return h > 0 ? `${d} d ${h} h` : `${d} d`
  if (h > 0) return m > 0 ? `${h} h ${m} min` : `${h} h`
  return m > 0 ? `${m} min` : `${left} s`
}
