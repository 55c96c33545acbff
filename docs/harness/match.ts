/** Whether an output is what a page says: `[..]` stands for any part of a line, a line `...` for any lines. */
export function matches(expected: readonly string[], output: string): boolean {
  const lines = output.split('\n')
  if (lines.at(-1) === '') lines.pop()
  return matchesFrom(expected, lines)
}

/** Whether an output that may go on begins as a page says. */
export function begins(expected: readonly string[], output: string): boolean {
  return matchesFrom([...expected, '...'], output.split('\n').slice(0, -1))
}

function matchesFrom(expected: readonly string[], lines: readonly string[]): boolean {
  const [first, ...rest] = expected
  if (first === undefined) return lines.length === 0
  if (first === '...') {
    return lines.some((_, at) => matchesFrom(rest, lines.slice(at))) || matchesFrom(rest, [])
  }
  const [line, ...others] = lines
  return line !== undefined && isLine(first, line) && matchesFrom(rest, others)
}

function isLine(expected: string, line: string): boolean {
  const pattern = expected
    .split('[..]')
    .map(part => part.replaceAll(/[.*+?^${}()|[\]\\/-]/g, '\\$&'))
    .join('.*')
  return new RegExp(`^${pattern}$`, 's').test(line)
}
