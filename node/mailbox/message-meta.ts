import { MAILBOX_LIMITS } from '../../protocols/index.ts'

/** What the sender said of a message beside its body and its place. */
export interface MessageMeta {
  readonly e2e?: boolean | undefined
  readonly comp?: boolean | undefined
  /** A receipt or a bounce: it never causes another. */
  readonly auto?: boolean | undefined
  readonly attrs?: Readonly<Record<string, string>> | undefined
  readonly replyTopic?: string | undefined
  readonly receipt?: readonly ReceiptState[] | undefined
  readonly bounce?: boolean | undefined
  /** SHA-256 of the body in hex, where a receipt or bounce will need it. */
  readonly bodyHash?: string | undefined
  readonly origin?: Origin | undefined
  /** Of a message that waits for another hub. */
  readonly directed?: Directed | undefined
}

/** What goes to another hub beside the body. */
export interface Directed {
  /** The id of the share. */
  readonly share: string
  /** Where it goes; it does not wait there. */
  readonly topic: string
  /** The line of its signed statement. */
  readonly line: string
}

export type ReceiptState = 'stored' | 'delivered' | 'acked'

export interface Origin {
  readonly hub: string
  readonly share: string
  readonly number: number
  readonly id: string
}

/** How one attempt ended that did not end well. */
export interface HistoryEntry {
  readonly attempt: number
  /** Unix ms. */
  readonly at: number
  readonly outcome: 'nacked' | 'expired'
  readonly reason?: string | undefined
}

const VERSION = 1
const FLAG = { e2e: 1, comp: 2, auto: 4, rest: 8 } as const
const EMPTY_JSON = '{}'
const NONE = new Uint8Array(0)

/** What most messages have: no more than flags. */
const HEADS = Array.from({ length: FLAG.rest }, (_, flags) => Uint8Array.of(VERSION, flags))

/** `version u8 | flags u8 | JSON of the rest`, two bytes for most messages. Those are shared and must not be changed. */
export function encodeMeta(meta: MessageMeta): Uint8Array {
  const flags =
    (meta.e2e === true ? FLAG.e2e : 0) |
    (meta.comp === true ? FLAG.comp : 0) |
    (meta.auto === true ? FLAG.auto : 0)
  if (isPlain(meta)) return HEADS[flags]!
  const { e2e: _, comp: __, auto: ___, ...rest } = meta
  const json = JSON.stringify(rest)
  if (json === EMPTY_JSON) return HEADS[flags]!
  return Buffer.concat([Uint8Array.of(VERSION, flags | FLAG.rest), Buffer.from(json)])
}

type Rest = Exclude<keyof MessageMeta, 'e2e' | 'comp' | 'auto'>

/** All members that are no flags: one that is missing here does not compile. */
const REST = Object.keys({
  attrs: true,
  replyTopic: true,
  receipt: true,
  bounce: true,
  bodyHash: true,
  origin: true,
  directed: true
} satisfies Record<Rest, true>) as Rest[]

/** Whether there is no more than flags, told without making text of it. */
function isPlain(meta: MessageMeta): boolean {
  for (const name of REST) if (meta[name] !== undefined) return false
  return true
}

/** Throws RangeError for bytes of another version. */
export function decodeMeta(bytes: Uint8Array): MessageMeta {
  const [version, flags = 0] = bytes
  if (version !== VERSION) throw new RangeError(`a message's meta has version ${version}`)
  const rest =
    (flags & FLAG.rest) === 0
      ? {}
      : (JSON.parse(
          Buffer.from(bytes.buffer, bytes.byteOffset + 2, bytes.length - 2).toString()
        ) as MessageMeta)
  return {
    ...rest,
    ...((flags & FLAG.e2e) !== 0 && { e2e: true }),
    ...((flags & FLAG.comp) !== 0 && { comp: true }),
    ...((flags & FLAG.auto) !== 0 && { auto: true })
  }
}

/** The history with one entry more; the oldest give way. */
export function addToHistory(history: Uint8Array, entry: HistoryEntry): Uint8Array {
  const entries = [...decodeHistory(history), entry].slice(-MAILBOX_LIMITS.historyEntries)
  return Buffer.from(JSON.stringify(entries))
}

export const decodeHistory = (history: Uint8Array): readonly HistoryEntry[] =>
  history.length === 0 ? [] : (JSON.parse(Buffer.from(history).toString()) as HistoryEntry[])

export const NO_HISTORY = NONE
