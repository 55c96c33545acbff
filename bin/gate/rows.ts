export const TIERS = ['bronze', 'silver', 'gold'] as const
export type Tier = (typeof TIERS)[number]

export interface GateRow {
  readonly id: string
  readonly tier: Tier
  /** What is shown, as the page says it. */
  readonly shows: string
  /** What shows it; undefined while nothing does. */
  readonly command: string | undefined
}

const NOT_THERE_YET = 'not there yet'

/** The rows of docs/gates.md, in its order. Throws for a row that cannot be read: a row must never be lost. */
export function readRows(page: string): GateRow[] {
  const lines = page.split('\n').filter(line => /^\| *[A-Z]\d/.test(line))
  if (lines.length === 0) throw new Error('docs/gates.md: no rows')
  return lines.map(readRow)
}

/** The rows that a tier runs: its own and those of the tiers below. */
export const rowsOf = (rows: readonly GateRow[], tier: Tier): GateRow[] =>
  rows.filter(row => TIERS.indexOf(row.tier) <= TIERS.indexOf(tier))

export const isTier = (word: string): word is Tier => (TIERS as readonly string[]).includes(word)

/** The tier whose gate a tag needs. */
export function tierOfTag(tag: string): Tier {
  const [, major, minor, patch] = /^v(\d+)\.(\d+)\.(\d+)(?:-[\w.]+)?$/.exec(tag) ?? []
  if (major === undefined) throw new Error(`${tag}: not a tag of the form v1.2.3`)
  if (major === '0') return 'bronze'
  return minor === '0' && patch === '0' && !tag.includes('-') ? 'gold' : 'silver'
}

function readRow(line: string): GateRow {
  const [, id = '', tier = '', shows = '', command = '', ...rest] = line.split('|').map(cell => cell.trim())
  const [, words] = /^`([^`]+)`$/.exec(command) ?? []
  const isReadable = isTier(tier) && shows !== '' && (words !== undefined || command === NOT_THERE_YET)
  if (!isReadable || rest.join('') !== '')
    throw new Error(`docs/gates.md: a row that cannot be read: ${line}`)
  return { id, tier, shows, command: words }
}
