/** Prints rows under their heads, each column as wide as its longest cell. */
export function printTable(heads: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = heads.map((head, i) => Math.max(head.length, ...rows.map(row => row[i]!.length)))
  const text = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join('  ')
      .trimEnd()
  console.log(text(heads))
  console.log(widths.map(width => '-'.repeat(width)).join('  '))
  for (const row of rows) console.log(text(row))
}
