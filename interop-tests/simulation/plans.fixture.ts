import type { Breakage } from './breakages.ts'
import type { Lie, Plan, PlannedEvent } from './plan.ts'

type WithoutName<E> = E extends unknown ? Omit<E, 'n'> : never
type Event = WithoutName<PlannedEvent>

const SEND = { is: 'send', share: 0 } as const

function plan(members: readonly number[], events: readonly Event[], more: Partial<Plan> = {}): Plan {
  return {
    seed: 1,
    hubs: members,
    liars: new Map<number, Lie>(),
    shares: [{ n: 0, members, isRelayed: false }],
    friends: [],
    events: events.map((event, n) => ({ ...event, n })),
    spanMs: 60_000,
    lostOf100: 0,
    ...more
  }
}

/** For each rule that can be broken, the little that it takes for an invariant not to hold. */
export const PLANS: Readonly<Record<Breakage, Plan>> = {
  forget: plan(
    [0, 1],
    [
      { ...SEND, hub: 0, atMs: 15_000 },
      { is: 'stop', hub: 1, atMs: 20_000, forMs: 1000 }
    ]
  ),
  'no-rounds': plan([0, 1], [{ ...SEND, hub: 0, atMs: 15_000 }], { lostOf100: 100 }),
  early: plan(
    [0, 1],
    [
      { ...SEND, hub: 0, atMs: 15_000 },
      { is: 'stop', hub: 0, atMs: 15_000, forMs: 1000 }
    ]
  ),
  open: plan([0, 1], [{ ...SEND, hub: 0, atMs: 15_000 }], {
    hubs: [0, 1, 2],
    friends: [[0, 2]],
    liars: new Map([[2, 'curious']])
  }),
  trusting: plan([0, 1, 2], [], { liars: new Map([[0, 'framer']]) }),
  secretive: plan([0, 1, 2], [], { liars: new Map([[0, 'confessor']]), spanMs: 200_000 }),
  unaware: plan(
    [0, 1],
    [
      { ...SEND, hub: 0, atMs: 15_000 },
      { ...SEND, hub: 0, atMs: 25_000 },
      { is: 'cut', hub: 0, to: 1, atMs: 30_000, forMs: 30_000 },
      { is: 'restore', hub: 0, atMs: 31_000, forMs: 1000, agoMs: 8000 },
      { ...SEND, hub: 0, atMs: 40_000 }
    ]
  ),
  skips: plan(
    [0, 1],
    [
      { ...SEND, hub: 0, atMs: 15_000 },
      { ...SEND, hub: 0, atMs: 25_000 }
    ],
    { lostOf100: 100 }
  ),
  eager: plan(
    [0, 1],
    Array.from({ length: 12 }, (_, n) => ({ ...SEND, hub: 0, atMs: 15_000 + n * 1000 })),
    { liars: new Map([[0, 'mute']]) }
  )
}
