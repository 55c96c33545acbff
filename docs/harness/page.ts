/** One command of a page with what must come of it. */
export interface Step {
  /** Of the line with the command, counted from 1. */
  readonly line: number
  readonly command: string
  /** Standard output, then standard error. */
  readonly output: readonly string[]
  /** How many lines of the output come before Ctrl-C is pressed; undefined when it is not. */
  readonly interruptedAfter: number | undefined
  readonly exitCode: number
}

export interface Page {
  /** What must be there before the first command: words of `<!-- needs: a, b -->`. */
  readonly needs: readonly string[]
  readonly steps: readonly Step[]
}

const EXIT = /^\[exit (\d+)\]$/

/**
 * The commands of all console blocks of a page: `$ ` begins one, what follows is its output until the next, `^C` stands
 * where it is interrupted, `[exit N]` says how it ends if not with 0.
 */
export function parsePage(markdown: string): Page {
  const lines = markdown.split('\n')
  const [, needs = ''] = /<!-- needs: ([^>]*) -->/.exec(markdown) ?? []
  const steps: Step[] = []
  let isInside = false
  for (const [at, line] of lines.entries()) {
    if (!isInside) isInside = line.trim() === '```console'
    else if (line.trim() === '```') isInside = false
    else if (line.startsWith('$ ')) steps.push(parseStep(lines, at))
  }
  return {
    needs: needs
      .split(',')
      .map(word => word.trim())
      .filter(word => word !== ''),
    steps
  }
}

function parseStep(lines: readonly string[], at: number): Step {
  const rest = lines.slice(at + 1)
  const end = rest.findIndex(line => line.startsWith('$ ') || line.trim() === '```')
  const block = rest.slice(0, end === -1 ? rest.length : end)
  while (block.at(-1) === '') block.pop()
  const [, exitCode = '0'] = EXIT.exec(block.at(-1) ?? '') ?? []
  const output = EXIT.test(block.at(-1) ?? '') ? block.slice(0, -1) : block
  const interrupt = output.indexOf('^C')
  return {
    line: at + 1,
    command: (lines[at] ?? '').slice(2),
    output: output.filter((_, index) => index !== interrupt),
    interruptedAfter: interrupt === -1 ? undefined : interrupt,
    exitCode: Number(exitCode)
  }
}
