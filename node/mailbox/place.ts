import type { Place, Topic } from '../stores/mailbox/types.ts'

/** Where a message stands within its topic: by priority, 9 first, then by id. */
export type Spot = Pick<Place, 'priority' | 'id'>

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

export const comesBefore = (a: Spot, b: Spot): boolean =>
  a.priority === b.priority ? a.id < b.id : a.priority > b.priority

/** The spot right before one: no message can stand between the two. */
export const spotBefore = ({ priority, id }: Spot): Spot => ({ priority, id: idBefore(id) })

/** The last one made: who asks for a topic's once asks again, and maps find the same text sooner. */
let last = { tenant: '', topic: '', key: '\n' }

/** One text for a tenant and topic; neither holds a line feed. */
export function topicKey({ tenant, topic }: Topic): string {
  if (last.topic !== topic || last.tenant !== tenant) last = { tenant, topic, key: `${tenant}\n${topic}` }
  return last.key
}

export const spotOf = ({ priority, id }: Spot): Spot => ({ priority, id })

export const placeOf = ({ tenant, topic, priority, id }: Place): Place => ({ tenant, topic, priority, id })

function idBefore(id: string): string {
  let at = id.length - 1
  while (at >= 0 && id[at] === '0') at--
  // Before the lowest id stands nothing, and it is never given.
  if (at < 0) return id
  const lower = ALPHABET[ALPHABET.indexOf(id[at]!) - 1]!
  return id.slice(0, at) + lower + 'Z'.repeat(id.length - at - 1)
}
