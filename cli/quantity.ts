const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'] as const

/** A size for people: `512 bytes`, `1.5 MiB`. */
export function bytesText(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024
    unit++
  }
  return unit === 0 ? `${value} bytes` : `${value.toFixed(1)} ${UNITS[unit]}`
}

/** The bytes in a size as people write it: `500`, `64KiB`, `10MiB`; undefined for anything else. */
export function readBytes(text: string): number | undefined {
  const [, digits, unit = 'bytes'] = /^(\d{1,12})\s?(KiB|MiB|GiB|TiB)?$/.exec(text) ?? []
  if (digits === undefined) return undefined
  const bytes = Number(digits) * 1024 ** UNITS.indexOf(unit as (typeof UNITS)[number])
  return Number.isSafeInteger(bytes) ? bytes : undefined
}

/** A time for people: `0.42 ms`, `1.5 s`. */
export const timeText = (ms: number): string =>
  ms < 1000 ? `${ms.toFixed(2)} ms` : `${(ms / 1000).toFixed(2)} s`

/** Milliseconds for scripts: microseconds are the last that mean something. */
export const roundMs = (ms: number): number => Math.round(ms * 1000) / 1000
