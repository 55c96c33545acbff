import { MAX_PROOFS, SHARES } from '../../federation/index.ts'
import type { Violation } from './breakages.ts'
import type { Hub } from './hub.ts'
import { otherBodyOf } from './liars.ts'
import type { Network } from './network.ts'
import { isProvable, saysTwo } from './plan.ts'

/** Shares whose newest message may wait to be announced. */
const MOST_WAITING = 1024

/**
 * What does not hold, once nothing keeps hubs apart any more. Of hubs that lie nothing is promised, nor of their messages.
 */
export async function afterHealing(
  hubs: readonly Hub[],
  network: Network,
  acknowledged: ReadonlyMap<string, Hub>
): Promise<readonly Violation[]> {
  const down = hubs.filter(({ process }) => process?.isUp !== true)
  if (down.length > 0)
    return down.map(({ n }) => ({ invariant: 'everywhere', detail: `hub ${n} does not run` }))
  const honest = hubs.filter(({ isHonest }) => isHonest)
  const shares = new Set(hubs.flatMap(hub => hub.shares))
  const found: Violation[] = []
  for (const share of shares) {
    const members = honest.filter(hub => hub.shares.includes(share))
    found.push(...(await inShare(share, members, hubs, acknowledged)))
  }
  for (const { n, process } of honest) {
    const skipped = await process!.skipped()
    if (skipped > 0)
      found.push({ invariant: 'numbers', detail: `hub ${n}: ${skipped} numbers without a message` })
  }
  return [...found, ...proved(hubs, honest, network)]
}

/** `everywhere` and `once`. */
async function inShare(
  share: number,
  members: readonly Hub[],
  hubs: readonly Hub[],
  acknowledged: ReadonlyMap<string, Hub>
): Promise<readonly Violation[]> {
  const found: Violation[] = []
  const origins = new Map(
    hubs.filter(({ isHonest }) => isHonest).flatMap(hub => hub.sent.map(text => [text, hub]))
  )
  const isPromised = (text: string): boolean => {
    const origin = origins.get(text)
    return origin !== undefined && !origin.excused.has(text)
  }
  // Two messages of one liar may be alike.
  const isSent = (text: string): boolean => text.startsWith(`secret-${share}/`)
  const had = new Map<Hub, ReadonlySet<string>>()
  const accepted = new Set<string>()
  for (const hub of members) {
    const waiting = await hub.process!.texts(share)
    for (const [text, times] of timesOf(hub, waiting))
      if (times > 1 && isSent(text))
        found.push({ invariant: 'once', detail: `hub ${hub.n} has it ${times} times: ${text}` })
    const all = new Set([...waiting, ...hub.maybeTaken])
    had.set(hub, all)
    for (const text of waiting) if (isPromised(text)) accepted.add(text)
    for (const text of hub.sent) {
      if (isSent(text) && acknowledged.has(text) && isPromised(text)) accepted.add(text)
    }
    for (const text of hub.taken.keys()) if (isSent(text) && isPromised(text)) accepted.add(text)
  }
  for (const text of accepted)
    for (const [hub, all] of had)
      if (!all.has(text)) found.push({ invariant: 'everywhere', detail: `hub ${hub.n} lacks: ${text}` })
  return found
}

function timesOf(hub: Hub, waiting: readonly string[]): ReadonlyMap<string, number> {
  const times = new Map<string, number>()
  for (const text of waiting) times.set(text, (times.get(text) ?? hub.taken.get(text) ?? 0) + 1)
  for (const [text, count] of hub.taken) if (!times.has(text)) times.set(text, count)
  return times
}

/**
 * `liars`: a hub that is linked with one that has proof has it, too, where the liar is on its allowlist and it is in the
 * share that the proof names.
 */
function proved(hubs: readonly Hub[], honest: readonly Hub[], network: Network): readonly Violation[] {
  return hubs
    .filter(({ lie }) => isProvable(lie))
    .flatMap(liar =>
      honest
        .filter(hub => hub.allowed.has(liar.name.id) && hub.process?.isQuarantined(liar.n) === false)
        .flatMap(hub => {
          const witness = honest.find(
            other =>
              network.isLinked(hub.n, other.n) &&
              other.process
                ?.sharesOfProofs(liar.n)
                .some(named => [...named].every(n => hub.shares.includes(n)))
          )
          if (witness === undefined) return []
          const detail = `hub ${hub.n} has no quarantine for hub ${liar.n}, of which hub ${witness.n} has proof`
          return [{ invariant: 'liars', detail } as const]
        })
    )
}

/** How many liars gave one honest hub one message and another hub the other, and of how many nobody has proof. */
export async function believed(
  hubs: readonly Hub[]
): Promise<{ readonly liars: number; readonly unproved: number }> {
  const honest = hubs.filter(({ isHonest, process }) => isHonest && process?.isUp === true)
  let [liars, unproved] = [0, 0]
  for (const liar of hubs.filter(({ lie }) => saysTwo(lie))) {
    const texts = new Set<string>()
    for (const hub of honest) {
      for (const text of hub.taken.keys()) texts.add(text)
      for (const share of liar.shares.filter(one => hub.shares.includes(one)))
        for (const text of await hub.process!.texts(share)) texts.add(text)
    }
    if (!texts.has(otherBodyOf(liar.n)) || !liar.sent.some(text => texts.has(text))) continue
    liars++
    if (!honest.some(({ process }) => process!.holdsProof(liar.n))) unproved++
  }
  return { liars, unproved }
}

/** `memory`: what one hub has too much of. */
export function inBounds(
  { n, process, isHonest, allowed, shares }: Hub,
  network: Network
): readonly string[] {
  if (!isHonest || process === undefined) return []
  const kept = process.kept()
  const bounds: readonly (readonly [string, number, number])[] = [
    ['series of one origin', kept.series, SHARES.series],
    ['origins in all shares', kept.origins, (allowed.size + 1) * shares.length],
    ['stretches of one series', kept.stretches, SHARES.stretches + 1],
    ['messages that are being taken', kept.taking, allowed.size * SHARES.askedNumbers],
    ['announcements that wait', kept.waiting, MOST_WAITING],
    ['items in quarantine', kept.quarantined, 0],
    ['proofs against one hub', kept.proofs, MAX_PROOFS],
    // One about shares for each link, and one about a proof while any is told.
    ['calls under way', network.underWay(n), 3 * allowed.size]
  ]
  return bounds
    .filter(([, count, most]) => count > most)
    .map(([what, count, most]) => `hub ${n}: ${what}: ${count}, at most ${most}`)
}
