import type { Check, Missing, RowResult } from './verdict.ts'

const COLUMNS = [
  'row',
  'commit',
  'machine',
  'versions',
  'ours',
  'others',
  'limit',
  'spread',
  'checks',
  'pass'
]
const HEAD = `# Results

One line a row, from \`npm run bench -- --record\`: medians of interleaved rounds in one run. Only ratios inside one line can be
compared; absolute figures are notes about one machine on one day. A commit with a \`+\` had uncommitted changes.
`

/** The page with this row's line put in, or replaced. */
export function withResult(page: string, result: RowResult, commit: string, versions: string): string {
  const lines = new Map(page.split('\n').flatMap(line => (isRow(line) ? [[rowOf(line), line] as const] : [])))
  lines.set(result.row, lineFor(result, commit, versions))
  const sorted = [...lines]
    .sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }))
    .map(([, line]) => line)
  const table = [cells(COLUMNS), cells(COLUMNS.map(() => '---')), ...sorted]
  return `${HEAD}\n${table.join('\n')}\n${below(page)}`
}

/** What somebody wrote below the table. */
function below(page: string): string {
  const lines = page.split('\n')
  const last = lines.findLastIndex(isRow)
  return last < 0 ? '' : lines.slice(last + 1).join('\n')
}

function lineFor(result: RowResult, commit: string, versions: string): string {
  const listed = (members: object, show: (value: never) => string) =>
    Object.entries(members)
      .map(([name, value]) => `${name} ${show(value as never)}`)
      .join(', ')
  return cells([
    result.row,
    commit,
    result.machine,
    versions,
    `${shown(result.ours)} (${result.what})`,
    listed(result.others, shown),
    shown(result.limit),
    listed(result.spread, (value: number) => `${Math.round(value * 100)} %`),
    result.checks.map(checkShown).join('; '),
    result.pass ? 'yes' : 'no'
  ])
}

function checkShown({ what, value, bar, pass, missing }: Check): string {
  return `${what}: ${missing === undefined ? value : `missing, ${missing}`} (${bar}${pass ? '' : ', not reached'})`
}

function shown(value: number | Missing | null): string {
  if (value === null) return '-'
  return typeof value === 'number' ? String(value) : `missing: ${value.missing}`
}

function cells(values: readonly string[]): string {
  return `| ${values.map(value => value.replaceAll('|', '/').replaceAll('\n', ' ')).join(' | ')} |`
}

/** A line of the table itself: others begin with more than the name of a row. */
const isRow = (line: string) => /^\| P\d+[a-z]? \|/.test(line)
const rowOf = (line: string) => line.split('|')[1]!.trim()
