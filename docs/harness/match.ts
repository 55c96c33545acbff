/** Whether an output is what a page says: `[..]` stands for any part of a line, a line `...` for any lines. */
export function matches(expected: readonly string[], output: string): boolean {
  const lines = output.split('\n')
  if (lines.at(-1) === '') lines.pop()
  return matchesLines(expected, lines)
}

/** Whether an output that may go on begins as a page says. */
export function begins(expected: readonly string[], output: string): boolean {
  return matchesLines([...expected, '...'], output.split('\n').slice(0, -1))
}

// Goes back to the last `...` only: if a later one cannot be reached from there, no earlier one helps.
function matchesLines(expected: readonly string[], lines: readonly string[]): boolean {
  const patterns = expected.map(text => (text === '...' ? undefined : linePattern(text)))
  let at = 0
  let line = 0
  let back: { readonly at: number; line: number } | undefined
  while (line < lines.length) {
    const pattern = patterns[at]
    if (at < patterns.length && pattern === undefined) {
      back = { at: ++at, line }
    } else if (pattern?.test(lines[line] ?? '') === true) {
      at++
      line++
    } else if (back !== undefined) {
      at = back.at
      line = ++back.line
    } else return false
  }
  return patterns.slice(at).every(pattern => pattern === undefined)
}

function linePattern(text: string): RegExp {
  const parts = text.split('[..]').map(part => part.replaceAll(/[.*+?^${}()|[\]\\/-]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`, 's')
}
