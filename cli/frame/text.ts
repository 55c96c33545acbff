import { columns, printable } from '../terminal.ts'
import type { Terminal } from '../terminal.ts'
import type { ExplainedFrame } from './explain.ts'

const MAX_VALUE = 2000
const MAX_HEX = 32

/** A frame as a table: offset, bytes in hex, field, value. */
export function frameText(
  { frame, offset, bytes, about, fields }: ExplainedFrame,
  terminal: Terminal
): string {
  const title = terminal.style(
    'bold',
    `frame ${frame} at byte ${offset}, ${bytes} bytes: ${printable(about)}`
  )
  const rows = fields.map(row => [
    `  ${row.offset}`,
    row.hex.length > MAX_HEX ? `${row.hex.slice(0, MAX_HEX)}...` : row.hex,
    row.name,
    printable(row.value, MAX_VALUE)
  ])
  return `${title}\n${columns([['  at', 'bytes', 'field', 'value'], ...rows])}`
}
