import type { FaultArguments } from './arguments.ts'
import type { TrialResult } from './trial.ts'

const MIB = 2 ** 20

export const HEADINGS = line('scenario', 'over', 'seed', 'answered', 'refused', 'slowest', 'grown', 'result')

/** One trial, and below it what it broke. */
export function row(result: TrialResult): string {
  const { scenario, encryption, seed, answered, refused, slowestMs, grownBytes, violations } = result
  const verdict = violations.length === 0 ? 'held' : 'BROKEN'
  const text = line(
    scenario,
    encryption,
    String(seed),
    String(answered),
    codes(refused),
    `${Math.round(slowestMs)} ms`,
    `${Math.round(grownBytes / MIB)} MiB`,
    verdict
  )
  return [text, ...violations.map(violation => `    ${violation}`)].join('\n')
}

/** The last line, and before it everything that was broken with the command that repeats it. */
export function summary(
  results: readonly TrialResult[],
  strays: readonly string[],
  { seed }: FaultArguments,
  ms: number
): string {
  const broken = results.filter(({ violations }) => violations.length > 0)
  return [
    ...strays.map(stray => `client: ${stray}`),
    ...broken.map(
      ({ scenario, encryption, seed }) =>
        `broken: ${scenario} over ${encryption}; again with: npm run faults -- --seed ${seed} --only '${scenario}'`
    ),
    `faults: ${results.length} trials from seed ${seed}, ${broken.length} broken, ` +
      `${strays.length} strays of the client, ${Math.round(ms / 1000)} s`
  ].join('\n')
}

function codes(refused: Readonly<Record<string, number>>): string {
  const parts = Object.entries(refused).map(([code, count]) => `${count} ${code}`)
  return parts.length === 0 ? '-' : parts.join(', ')
}

function line(...cells: readonly string[]): string {
  const widths = [28, 6, 11, 9, 38, 9, 8, 0]
  return cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' ')
}
