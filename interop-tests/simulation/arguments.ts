import { BREAKAGES } from './breakages.ts'
import type { Breakage } from './breakages.ts'

export class UsageError extends Error {}

export const USAGE = `npm run simulate [-- --hubs N] [--seed N] [--steps N] [--seeds N]
    [--only HUBS] [--events NUMBERS] [--break RULE] | --cost [--hubs N,N,...]`

export interface Simulating {
  readonly is: 'simulate'
  readonly hubs: number
  readonly steps: number
  readonly seed: number
  /** How many, one after the other from the first. */
  readonly seeds: number
  /** Of the drawn plan, as a run that failed names them. */
  readonly only: ReadonlySet<number> | undefined
  readonly events: ReadonlySet<number> | undefined
  readonly breakage: Breakage | undefined
}

export interface Costing {
  readonly is: 'cost'
  readonly hubs: readonly number[]
}

/** Keys of links are made of two numbers of hubs. */
const MOST_HUBS = 1000
const MOST_STEPS = 100_000
const MOST_SEED = 2 ** 31 - 1
const NUMBERED = ['hubs', 'steps', 'seed', 'seeds'] as const
const LISTED = ['only', 'events'] as const

/** @throws UsageError */
export function simulateArguments(args: readonly string[], newSeed: () => number): Simulating | Costing {
  if (args[0] === '--cost') return costArguments(args.slice(1))
  const numbers = { hubs: 100, steps: 200, seed: undefined as number | undefined, seeds: 1 }
  const lists: { only?: ReadonlySet<number>; events?: ReadonlySet<number> } = {}
  let breakage: Breakage | undefined
  for (let i = 0; i < args.length; i += 2) {
    const [name, value = ''] = [args[i]!.replace(/^--/, ''), args[i + 1]]
    const numbered = NUMBERED.find(one => one === name)
    const listed = LISTED.find(one => one === name)
    if (!args[i]!.startsWith('--')) throw new UsageError(`${args[i]}: an option was expected`)
    if (numbered !== undefined) numbers[numbered] = wholeIn(name, value, ...BOUNDS[numbered])
    else if (listed !== undefined)
      lists[listed] = new Set(value === 'none' ? [] : listIn(name, value, 0, MOST_STEPS))
    else if (name === 'break') breakage = breakageIn(value)
    else throw new UsageError(`${args[i]}: no option of this command`)
  }
  if (numbers.seeds > 1 && (lists.only ?? lists.events) !== undefined)
    throw new UsageError('--only and --events are about one seed')
  const { seed = newSeed(), ...rest } = numbers
  return { is: 'simulate', ...rest, seed, only: lists.only, events: lists.events, breakage }
}

const BOUNDS: Record<(typeof NUMBERED)[number], readonly [number, number]> = {
  hubs: [2, MOST_HUBS],
  steps: [1, MOST_STEPS],
  seed: [0, MOST_SEED],
  seeds: [1, 10_000]
}

function costArguments(args: readonly string[]): Costing {
  const [name, value = ''] = args
  if (name === undefined) return { is: 'cost', hubs: [10, 20, 50, 100, 200] }
  if (name !== '--hubs' || args.length > 2) throw new UsageError('--cost takes --hubs alone')
  return { is: 'cost', hubs: listIn('hubs', value, 2, MOST_HUBS) }
}

function breakageIn(value: string): Breakage {
  if (Object.hasOwn(BREAKAGES, value)) return value as Breakage
  throw new UsageError(`--break ${value}: one of ${Object.keys(BREAKAGES).join(', ')}`)
}

function listIn(name: string, value: string, least: number, most: number): number[] {
  return value.split(',').flatMap(part => {
    const [from = '', to = from] = part.split('-')
    const [first, last] = [wholeIn(name, from, least, most), wholeIn(name, to, least, most)]
    if (part.split('-').length > 2 || last < first) throw new UsageError(`--${name} ${part}: not a range`)
    return Array.from({ length: last - first + 1 }, (_, n) => first + n)
  })
}

function wholeIn(name: string, value: string, least: number, most: number): number {
  const number = /^\d{1,10}$/.test(value) ? Number(value) : -1
  if (number >= least && number <= most) return number
  throw new UsageError(`--${name} ${value}: give a whole number from ${least} to ${most}`)
}

/** The same as `listIn` reads. */
export function listText(numbers: Iterable<number>): string {
  const sorted = [...numbers].sort((a, b) => a - b)
  const parts: [number, number][] = []
  for (const n of sorted) {
    const last = parts.at(-1)
    if (last !== undefined && last[1] === n - 1) last[1] = n
    else parts.push([n, n])
  }
  return parts.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(',')
}
