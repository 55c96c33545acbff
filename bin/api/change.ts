import type { Exports } from './report.ts'
import { REACHED } from './report.ts'

export type ChangeKind = 'none' | 'addition' | 'break'

export interface Change {
  readonly kind: ChangeKind
  /** One line for each export that differs: `removed omnigate/sdk connect`. */
  readonly lines: readonly string[]
}

/** How the exports differ. A changed declaration is a break unless every line of it is still there. */
export function compareExports(before: Exports, after: Exports): Change {
  const lines: string[] = []
  let kind: ChangeKind = 'none'
  const say = (what: string, isBreak: boolean): void => {
    lines.push(what)
    if (isBreak) kind = 'break'
    else if (kind === 'none') kind = 'addition'
  }
  for (const entry of new Set([...before.keys(), ...after.keys()])) {
    const old = before.get(entry) ?? new Map<string, string>()
    const now = after.get(entry) ?? new Map<string, string>()
    for (const [name, text] of old) {
      const present = now.get(name)
      if (present === undefined) {
        if (entry !== REACHED) say(`removed ${entry} ${name}`, true)
      } else if (present !== text) {
        const isBreak = !isAddition(text, present)
        say(`${isBreak ? 'changed' : 'extended'} ${entry} ${name}`, isBreak)
      }
    }
    for (const name of now.keys())
      if (!old.has(name) && entry !== REACHED) say(`added ${entry} ${name}`, false)
  }
  return { kind, lines }
}

/** What is wrong with the step from a released version to this one, or undefined. */
export function versionProblem(from: string, to: string, { kind, lines }: Change): string | undefined {
  const step = stepBetween(from, to)
  if (step === undefined) return `version ${to} does not follow ${from}, the last release`
  const needed = neededStep(from, kind)
  if (STEPS.indexOf(step) >= STEPS.indexOf(needed)) return undefined
  const why = kind === 'break' ? 'the exports changed in a way that breaks callers' : 'the exports grew'
  return `${why} since ${from}, which needs a ${needed} version and not ${to}: ${lines.join('; ')}`
}

const STEPS = ['none', 'patch', 'minor', 'major'] as const
type Step = (typeof STEPS)[number]

// Before 1.0 a minor version may break the API: https://semver.org, item 4, made narrower.
function neededStep(from: string, kind: ChangeKind): Step {
  const isStable = !from.startsWith('0.')
  if (kind === 'break') return isStable ? 'major' : 'minor'
  if (kind === 'addition') return isStable ? 'minor' : 'patch'
  return 'none'
}

function stepBetween(from: string, to: string): Step | undefined {
  const [a, b] = [numbers(from), numbers(to)]
  const at = a.findIndex((number, index) => number !== b[index])
  if (at < 0) return 'none'
  return b[at]! > a[at]! ? (['major', 'minor', 'patch'] as const)[at] : undefined
}

/** The three numbers of a version; what follows a hyphen is not looked at. */
export const numbers = (version: string): number[] => version.split('-', 1)[0]!.split('.').map(Number)

/** True when nobody who used the old declaration notices: only optional members or new methods of a class came. */
function isAddition(before: string, after: string): boolean {
  const old = before.split('\n')
  let matched = 0
  const added = after.split('\n').filter(line => {
    if (line !== old[matched]) return true
    matched += 1
    return false
  })
  if (matched < old.length) return false
  const isClass = /^(abstract )?class /.test(after)
  return added.every(
    line =>
      /^ {4}(readonly )?[\w$]+\?[:(]/.test(line) || (isClass && /^ {4}(?!constructor)[\w$ ]+/.test(line))
  )
}
