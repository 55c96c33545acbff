import type { Check, Missing, RowResult } from './verdict.ts'

/** A result for a person to read. */
export function summaryOf(result: RowResult): string {
  const lines = [
    `${result.row} ${result.pass ? 'passes' : 'does not pass'}: ${result.what}`,
    `  ours ${shown(result.ours)}, limit ${shown(result.limit)}${othersOf(result)}`,
    ...result.checks.map(checkLine),
    `  spread ${pairs(result.spread)}`,
    ...Object.entries(result.notes).map(([name, value]) => `  note: ${name} ${value}`)
  ]
  return lines.join('\n')
}

function checkLine({ what, value, bar, pass, missing }: Check): string {
  const found = missing === undefined ? String(value) : `missing, ${missing}`
  return `  ${pass ? 'yes' : 'NO '}  ${what}: ${found} (${bar})`
}

function othersOf({ others }: RowResult): string {
  return Object.entries(others)
    .map(([name, value]) => `, ${name} ${shown(value)}`)
    .join('')
}

function shown(value: number | Missing | null): string {
  if (value === null) return '-'
  return typeof value === 'number' ? String(value) : `missing (${value.missing})`
}

const pairs = (members: Readonly<Record<string, number>>) =>
  Object.entries(members)
    .map(([name, value]) => `${name} ${Math.round(value * 100)} %`)
    .join(', ')
