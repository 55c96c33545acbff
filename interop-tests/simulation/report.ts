import { listText } from './arguments.ts'
import type { Simulating } from './arguments.ts'
import type { Plan, PlannedEvent } from './plan.ts'
import type { Shrunk } from './shrink.ts'

/** A plan for people, a line each. */
export function planLines({ hubs, liars, shares, events, lostOf100 }: Plan): readonly string[] {
  return [
    `hubs ${listText(hubs)}; ${lostOf100} of 100 announcements are lost`,
    ...[...liars].map(([hub, lie]) => `hub ${hub} lies: ${lie}`),
    ...shares.map(
      ({ n, members, isRelayed }) =>
        `share ${n} of hubs ${listText(members)}${isRelayed ? ', each gives what others sent' : ''}`
    ),
    ...events.map(event => `${(event.atMs / 1000).toFixed(1)} s, event ${event.n}: ${happening(event)}`)
  ]
}

function happening(event: PlannedEvent): string {
  switch (event.is) {
    case 'send':
      return `hub ${event.hub} sends to share ${event.share}`
    case 'take':
      return `consumers of hub ${event.hub} take all`
    case 'stop':
      return `hub ${event.hub} stops for ${seconds(event.forMs)}`
    case 'restore':
      return `hub ${event.hub} stops for ${seconds(event.forMs)}, and has then what it had ${seconds(event.agoMs)} before`
    case 'split':
      return `hubs ${listText(event.side)} are cut off for ${seconds(event.forMs)}`
    case 'cut':
      return `hubs ${event.hub} and ${event.to} do not reach each other for ${seconds(event.forMs)}`
  }
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`

/** What runs the same again. */
export function replayCommand({ hubs, steps, breakage }: Simulating, seed: number, shrunk: Shrunk): string {
  const rule = breakage === undefined ? '' : ` --break ${breakage}`
  const events = ` --events ${shrunk.events.size === 0 ? 'none' : listText(shrunk.events)}`
  return `npm run simulate -- --hubs ${hubs} --steps ${steps} --seed ${seed} --only ${listText(shrunk.hubs)}${events}${rule}`
}
