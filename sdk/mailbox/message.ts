import type { MessageOptions } from '../../protocols/index.ts'
import type { HubCallOptions } from '../calls.ts'

/** What a message may say beside its topic and body. */
export interface SendOptions extends HubCallOptions {
  /** The same key within the node's window is the same message. Default: one of its own for each send. */
  readonly idemKey?: string | undefined
  /** Texts for whoever receives it; at most 4 KiB of names and values. */
  readonly attrs?: Readonly<Record<string, string>> | undefined
  /** From 0 to 9; higher ones are delivered first. Default 4. */
  readonly priority?: number | undefined
  /** Not delivered before: Unix milliseconds, or a Date. */
  readonly notBefore?: number | Date | undefined
  /** Seconds until it is given up. */
  readonly ttlS?: number | undefined
  /** A hub and a share of its treaty, for a directed message. */
  readonly to?: { readonly hub: string; readonly share: string } | undefined
  /** Of which states a signed receipt is wanted, at `replyTopic`. */
  readonly receipt?: readonly ('stored' | 'delivered' | 'acked')[] | undefined
  /** True to be told at `replyTopic` when it is given up. */
  readonly bounce?: boolean | undefined
  readonly replyTopic?: string | undefined
}

/** The attribute by which a trace goes on from the sender to whoever receives. */
export const TRACE_ATTRIBUTE = 'traceparent'

const KEY_BYTES = 16
/** Random bytes drawn at one time: to draw costs about as much for 256 keys as for one. */
const POOL_BYTES = 256 * KEY_BYTES
const DIGITS = Array.from('0123456789abcdef', digit => digit.charCodeAt(0))

const codes: number[] = Array.from({ length: 2 * KEY_BYTES }, () => 0)
let pool = new Uint8Array(0)
let drawn = 0

/** A key that no other send has: 128 random bits. */
export function newIdemKey(): string {
  if (drawn === pool.length) {
    pool = crypto.getRandomValues(new Uint8Array(POOL_BYTES))
    drawn = 0
  }
  for (let at = 0; at < codes.length; at += 2) {
    const byte = pool[drawn++]!
    codes[at] = DIGITS[byte >>> 4]!
    codes[at + 1] = DIGITS[byte & 15]!
  }
  return String.fromCharCode(...codes)
}

const utf8 = new TextEncoder()

export const bodyBytes = (body: Uint8Array | string): Uint8Array =>
  typeof body === 'string' ? utf8.encode(body) : body

/** The members of a request to send, absent where nothing was said. */
export function messageMembers(
  options: SendOptions,
  idemKey: string,
  traceparent: string | undefined
): MessageOptions {
  const { attrs, priority, notBefore, ttlS, to, receipt, bounce, replyTopic } = options
  const traced = traceparent === undefined ? attrs : { [TRACE_ATTRIBUTE]: traceparent, ...attrs }
  return defined({
    idem_key: idemKey,
    attrs: traced,
    priority,
    not_before: notBefore instanceof Date ? notBefore.getTime() : notBefore,
    ttl_s: ttlS,
    to,
    receipt,
    bounce,
    reply_topic: replyTopic
  })
}

export function defined<T extends object>(members: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const result: Record<string, unknown> = {}
  for (const name of Object.keys(members)) {
    const value = (members as Readonly<Record<string, unknown>>)[name]
    if (value !== undefined) result[name] = value
  }
  return result as never
}
