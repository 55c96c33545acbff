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

/** A key that no other send has: 128 random bits. */
export const newIdemKey = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(KEY_BYTES)), byte =>
    byte.toString(16).padStart(2, '0')
  ).join('')

const utf8 = new TextEncoder()

export const bodyBytes = (body: Uint8Array | string): Uint8Array =>
  typeof body === 'string' ? utf8.encode(body) : body

/** The members of a request to send, absent where nothing was said. */
export function messageMembers(options: SendOptions, idemKey: string): MessageOptions {
  const { attrs, priority, notBefore, ttlS, to, receipt, bounce, replyTopic, traceparent } = options
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
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as never
}
