import type { DirectedState, DirectedStatement } from '../../federation/index.ts'
import type { Note } from '../stores/mailbox/types.ts'

/** What is known of a message that came. */
export interface Seen {
  readonly state: DirectedState
  /** The line of the receipt that was given for it, and will be given again. */
  readonly receipt: string
  /** An operator let it out of quarantine, and it was delivered. */
  readonly isReleased?: boolean
}

const OWNER = 'directed '
const DIGITS = 12

const sortable = (seconds: number): string => seconds.toString(16).padStart(DIGITS, '0')

/** Sorted by when the message can come no more: what is older than that is forgotten by a range of names. */
export const seenName = ({ expires, hub }: Pick<DirectedStatement, 'expires' | 'hub'>, id: string): string =>
  `${OWNER}${sortable(expires)} ${hub} ${id}`

/** The names of messages that could come no more before a time, in Unix seconds. */
export const seenBefore = (nowS: number): readonly [from: string, to: string] => [
  OWNER,
  OWNER + sortable(Math.max(0, nowS))
]

export const seenNote = (name: string, seen: Seen, isNew: boolean): Note => ({
  name,
  value: Buffer.from(JSON.stringify(seen)),
  isNew
})

export const seenIn = (value: Uint8Array): Seen => JSON.parse(Buffer.from(value).toString()) as Seen
