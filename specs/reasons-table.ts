/** One row of the table of reasons in specs/oap-1.md. */
export interface ReasonRow {
  readonly reason: string
  readonly status: number
  readonly retryable: boolean
  readonly blame: string
  readonly meaning: string
}

const HEADING = /^\|\s*reason\s*\|\s*status\s*\|\s*retry\s*\|\s*blame\s*\|\s*meaning\s*\|$/

/** The rows of the table of reasons, in its order. Throws when the table or one of its cells is not as it must be. */
export function parseReasons(markdown: string): ReasonRow[] {
  const lines = markdown.split('\n').map(line => line.trim())
  const headings = lines.flatMap((line, at) => (HEADING.test(line) ? [at] : []))
  if (headings.length !== 1) throw new Error(`table of reasons: found ${headings.length}, expected one`)
  const rows = lines.slice(headings[0]! + 2)
  const end = rows.findIndex(line => !line.startsWith('|'))
  return rows.slice(0, end === -1 ? rows.length : end).map(parseRow)
}

function parseRow(line: string): ReasonRow {
  const cells = line.split('|').slice(1, -1)
  const [reason = '', status = '', retry = '', blame = '', meaning = ''] = cells.map(cell => cell.trim())
  const wrong = (what: string): Error => new Error(`table of reasons: ${reason || line}: ${what}`)
  if (cells.length !== 5) throw wrong(`${cells.length} cells, expected 5`)
  if (!/^[a-z]+(_[a-z]+)*$/.test(reason)) throw wrong('not lower snake case')
  if (!/^[45][0-9]{2}$/.test(status)) throw wrong(`status ${status}`)
  if (retry !== 'yes' && retry !== 'no') throw wrong(`retry ${retry}, expected yes or no`)
  if (!/^(caller|peer|node|operator)$/.test(blame)) throw wrong(`blame ${blame}`)
  if (meaning === '') throw wrong('no meaning')
  return { reason, status: Number(status), retryable: retry === 'yes', blame, meaning }
}
