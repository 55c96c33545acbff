import type { Step } from '../vectors.ts'
import type { Parties } from './talk.ts'

/** One case, whose steps depend on who shakes hands. */
export interface FederationCase {
  readonly id: string
  readonly about: string
  readonly slow_ms?: number
  readonly steps: (parties: Parties) => readonly Step[]
}

/** What a refusal is: its status and code. */
export type Told = readonly [status: number, code: string]

export const MALFORMED: Told = [400, 'malformed']
export const UNKNOWN: Told = [403, 'not_allowlisted']

/** Another peer than any that takes part. */
export const OTHER_PEER = '12D3KooWJWoaqZhDaoEFshF7Rh1bpY9ohihFhzcW6d69Lr2NASuq'

/** Sorts behind all members that there are. */
export const LAST_MEMBER = 'zzz'

/** A change of the text of a message. */
export const inText = (change: (message: string) => string) => (bytes: Buffer) =>
  Buffer.from(change(bytes.toString()))

/** A message with a last member that makes it so long. */
export const lengthened = (bytes: number) =>
  inText(message => {
    const rest = bytes - message.length - `,"${LAST_MEMBER}":""`.length
    return `${message.slice(0, -1)},"${LAST_MEMBER}":"${'z'.repeat(rest)}"}`
  })
