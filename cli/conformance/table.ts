import type { ConformanceResult } from './run.ts'

const VERDICT_WIDTH = 8

export interface ConformanceTally {
  readonly passed: number
  readonly failed: number
  readonly leftOut: number
}

export function tally(results: readonly ConformanceResult[]): ConformanceTally {
  const passed = results.filter(({ pass }) => pass).length
  const leftOut = results.filter(result => result.leftOut !== undefined).length
  return { passed, leftOut, failed: results.length - passed - leftOut }
}

/**
 * One row a case in the order of the rules, behind it the requirements that it is evidence for, below a failed one
 * what was expected and what came; then the tally, and the requirements that are not met.
 */
export function conformanceTable(results: readonly ConformanceResult[]): string {
  const rows = results.toSorted(byRule).map(result => row(result, widest(results)))
  const { passed, failed, leftOut } = tally(results)
  const broken = notMet(results)
  const named = broken.length === 0 ? [] : [`requirements not met: ${broken.join(', ')}`]
  return [...rows, '', `${passed} passed, ${failed} failed, ${leftOut} left out`, ...named].join('\n')
}

const notMet = (results: readonly ConformanceResult[]): string[] => {
  const failed = results.filter(({ pass, leftOut }) => !pass && leftOut === undefined)
  return [...new Set(failed.flatMap(({ requirements }) => requirements))]
}

interface Widths {
  readonly id: number
  readonly rule: number
}

const widest = (results: readonly ConformanceResult[]): Widths => ({
  id: Math.max(...results.map(({ id }) => id.length)),
  rule: Math.max(...results.map(({ rule }) => rule.length))
})

function row(result: ConformanceResult, { id, rule }: Widths): string {
  const columns = [
    verdict(result).padEnd(VERDICT_WIDTH),
    result.rule.padEnd(rule),
    result.id.padEnd(id),
    `${result.ms}`.padStart(6),
    ' ms  ',
    [result.about, ...result.requirements.map(requirement => `[${requirement}]`)].join(' ')
  ]
  return [`${columns.slice(0, 4).join('  ')}${columns[4]}${columns[5]}`, ...details(result)].join('\n')
}

const verdict = ({ pass, leftOut }: ConformanceResult): string =>
  leftOut === undefined ? (pass ? 'passed' : 'FAILED') : 'left out'

function details({ pass, leftOut, expected, received }: ConformanceResult): string[] {
  const indent = ' '.repeat(VERDICT_WIDTH + 2)
  if (leftOut !== undefined) return [`${indent}${leftOut}`]
  return pass ? [] : [`${indent}expected ${expected}`, `${indent}received ${received}`]
}

function byRule(a: ConformanceResult, b: ConformanceResult): number {
  return a.rule.localeCompare(b.rule, 'en', { numeric: true }) || a.id.localeCompare(b.id, 'en')
}
