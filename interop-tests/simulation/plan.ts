import { Dice, draw } from '../faults/random.ts'

/**
 * How a hub lies:
 *   two-numbers  it gives one number to two messages, and shows each neighbour now one and now the other
 *   two-faced    the same, but what it shows one neighbour stays the same
 *   mute         it announces, says what it has, and never answers who asks for it
 *   empty        it answers with nothing
 *   holes        it leaves out every other message, whoever sent it
 *   bytes        it answers with other bytes than it signed
 *   misnumber    it answers with another number than asked for, and claims numbers that there are none of
 *   forger       it changes what it signed, and what others signed
 *   curious      it asks everybody for every share
 *   framer       it tells proofs against hubs that said nothing wrong
 *   flood        it announces what nobody signed, again and again
 */
export const LIES = [
  'two-numbers',
  'two-faced',
  'mute',
  'empty',
  'holes',
  'bytes',
  'misnumber',
  'forger',
  'curious',
  'framer',
  'flood'
] as const
/** `confessor`, which is never drawn, tells one neighbour proof against itself. */
export type Lie = (typeof LIES)[number] | 'confessor'

/** Whether a hub that lies so gives one number to two messages. */
export const saysTwo = (lie: Lie | undefined): boolean => lie === 'two-numbers' || lie === 'two-faced'

/** Whether there may be proof against a hub that lies so. */
export const isProvable = (lie: Lie | undefined): boolean => saysTwo(lie) || lie === 'confessor'

export interface PlannedShare {
  readonly n: number
  readonly members: readonly number[]
  /** Whether members give each other what others sent. */
  readonly isRelayed: boolean
}

type Happening =
  | { readonly is: 'send'; readonly hub: number; readonly share: number }
  /** Its consumers take all that is there. */
  | { readonly is: 'take'; readonly hub: number }
  /** It stops as in a power cut, and comes back with what was durable. */
  | { readonly is: 'stop'; readonly hub: number; readonly forMs: number }
  /** It stops, and comes back with what it had so long ago. */
  | { readonly is: 'restore'; readonly hub: number; readonly forMs: number; readonly agoMs: number }
  /** Nobody reaches who is not on the same side. */
  | { readonly is: 'split'; readonly side: readonly number[]; readonly forMs: number }
  | { readonly is: 'cut'; readonly hub: number; readonly to: number; readonly forMs: number }

/** What happens, and when; `n` names it in a plan of which much was left out. */
export type PlannedEvent = Happening & { readonly n: number; readonly atMs: number }

/** All that is drawn from a seed before a run begins, but for what each call and each announcement meets on its way. */
export interface Plan {
  readonly seed: number
  readonly hubs: readonly number[]
  readonly liars: ReadonlyMap<number, Lie>
  readonly shares: readonly PlannedShare[]
  /** Hubs on each other's allowlist that share nothing. */
  readonly friends: readonly (readonly [number, number])[]
  readonly events: readonly PlannedEvent[]
  /** After so long all is healed. */
  readonly spanMs: number
  /** Of a hundred announcements that one peer sends another. */
  readonly lostOf100: number
}

export interface PlanSize {
  readonly hubs: number
  readonly steps: number
}

/** Time that one step stands for. */
const STEP_MS = 1500
const MOST_SPAN_MS = 900_000
/** Hubs so far apart in number are in one share at most. */
const NEAR = 8

export function drawPlan(seed: number, { hubs: count, steps }: PlanSize): Plan {
  const dice = new Dice(seed)
  const hubs = Array.from({ length: count }, (_, n) => n)
  const liars = new Map<number, Lie>()
  for (let n = 0; n < Math.floor(count / 8); n++)
    liars.set(dice.between(0, count), dice.oneIn(3) ? 'two-numbers' : dice.pick(LIES))
  const shares = drawShares(dice, count)
  const friends = Array.from({ length: Math.floor(count / 2) }, () => pairOf(dice, count))
  const spanMs = Math.min(MOST_SPAN_MS, Math.max(60_000, steps * STEP_MS))
  const events = Array.from({ length: steps }, (_, n): PlannedEvent => {
    const own = new Dice(Math.floor(draw(seed, 1, n) * 2 ** 32))
    return { ...drawEvent(own, count, shares), n, atMs: own.between(12_000, spanMs) }
  }).sort((a, b) => a.atMs - b.atMs || a.n - b.n)
  const lostOf100 = dice.pick([0, 5, 20, 50])
  return { seed, hubs, liars, shares, friends, events, spanMs, lostOf100 }
}

function drawShares(dice: Dice, count: number): PlannedShare[] {
  const shares: { n: number; members: number[]; isRelayed: boolean }[] = []
  const sizes = Array.from({ length: Math.max(1, Math.round(count / 6)) }, () =>
    Math.min(count, dice.between(3, 11))
  )
  for (const [n, size] of sizes.entries()) {
    const first = dice.between(0, count)
    const members = new Set([first])
    for (let tries = 0; members.size < size && tries < 4 * size; tries++)
      members.add((first + dice.between(0, 2 * NEAR)) % count)
    shares.push({ n, members: [...members].sort((a, b) => a - b), isRelayed: dice.oneIn(2) })
  }
  for (let hub = 0; hub < count; hub++) {
    if (shares.some(({ members }) => members.includes(hub))) continue
    shares[dice.between(0, shares.length)]!.members.push(hub)
  }
  return shares
}

function pairOf(dice: Dice, count: number): readonly [number, number] {
  const one = dice.between(0, count)
  return [one, (one + dice.between(1, count)) % count]
}

function drawEvent(dice: Dice, count: number, shares: readonly PlannedShare[]): Happening {
  const die = dice.between(0, 100)
  const hub = dice.between(0, count)
  if (die < 60) {
    const own = shares.filter(({ members }) => members.includes(hub))
    return { is: 'send', hub, share: own[dice.between(0, own.length)]!.n }
  }
  if (die < 70) return { is: 'take', hub }
  if (die < 82) return { is: 'stop', hub, forMs: dice.between(500, 90_000) }
  if (die < 84)
    return { is: 'restore', hub, forMs: dice.between(1000, 60_000), agoMs: dice.between(1000, 240_000) }
  if (die < 96) {
    const { members } = shares[dice.between(0, shares.length)]!
    const [one, other] = [
      members[dice.between(0, members.length)]!,
      members[dice.between(0, members.length)]!
    ]
    return { is: 'cut', hub: one, to: other, forMs: dice.between(2000, 240_000) }
  }
  const chances = dice.between(2, 5)
  const side = Array.from({ length: count }, (_, n) => n).filter(() => dice.oneIn(chances))
  return { is: 'split', side, forMs: dice.between(5000, 150_000) }
}

/** What is left of a plan: events by their numbers, and hubs. */
export interface Kept {
  readonly events?: ReadonlySet<number> | undefined
  readonly hubs?: ReadonlySet<number> | undefined
}

/** The same plan with less in it; what a hub that is gone had to do is gone, too. */
export function reduced(plan: Plan, { events, hubs }: Kept): Plan {
  const isHere = (hub: number): boolean => hubs === undefined || hubs.has(hub)
  const shares = plan.shares
    .map(share => ({ ...share, members: share.members.filter(isHere) }))
    .filter(({ members }) => members.length > 0)
  const isLeft = (event: PlannedEvent): boolean => {
    if (events !== undefined && !events.has(event.n)) return false
    if (event.is === 'split') return true
    return isHere(event.hub) && (event.is !== 'cut' || isHere(event.to))
  }
  return {
    ...plan,
    hubs: plan.hubs.filter(isHere),
    liars: new Map([...plan.liars].filter(([hub]) => isHere(hub))),
    shares,
    friends: plan.friends.filter(pair => pair.every(isHere)),
    events: plan.events
      .filter(isLeft)
      .map(event => (event.is === 'split' ? { ...event, side: event.side.filter(isHere) } : event))
  }
}
