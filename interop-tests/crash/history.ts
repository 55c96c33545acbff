/** All times are milliseconds of the machine's monotonic clock, which the recorded disk shares. */
export const clockMs = (): number => Number(process.hrtime.bigint()) / 1e6

/** What a client asked for and saw. What has no answer may have happened or not. */
export type Seen =
  | {
      readonly is: 'send'
      readonly label: string
      readonly topic: string
      readonly asked: number
      readonly answered?: number
      /** With an answer: the message's id, or why there is none. */
      readonly id?: string
      readonly refused?: string
      /** Not to be delivered before. */
      readonly dueMs?: number
    }
  | {
      readonly is: 'delivery'
      /** Undefined for a body that nobody sent. */
      readonly label: string | undefined
      readonly topic: string
      readonly id: string
      readonly priority: number
      /** As the node counted: answers to several calls may come in another order than they were made. */
      readonly attempt: number
      /** When the call was made that brought it, also of a subscription, and when it came. */
      readonly asked: number
      readonly answered: number
      /** All that one call brought have one number. */
      readonly call: number
      readonly boot: number
      readonly visibilityMs: number
    }
  | {
      readonly is: 'ack' | 'nack'
      readonly id: string
      readonly asked: number
      readonly answered?: number
      /** With an answer: whether the lease was still good. */
      readonly isDone?: boolean
    }
  | { readonly is: 'dead'; readonly id: string; readonly answered: number }
  /** From here on all that is left is taken, with nothing else going on. */
  | { readonly is: 'drain'; readonly asked: number }

export type Send = Extract<Seen, { is: 'send' }>
export type Delivered = Extract<Seen, { is: 'delivery' }>

/** What the client knew at a time: what was asked later is not in it, and what was answered later has no answer. */
export function knownBy(history: readonly Seen[], atMs: number): readonly Seen[] {
  return history.flatMap((seen): readonly Seen[] => {
    if (seen.is === 'drain' || ('asked' in seen && seen.asked > atMs)) return []
    if (seen.answered === undefined || seen.answered <= atMs) return [seen]
    if (seen.is === 'send') {
      const { is, label, topic, asked, dueMs } = seen
      return [{ is, label, topic, asked, ...(dueMs !== undefined && { dueMs }) }]
    }
    if (seen.is === 'ack' || seen.is === 'nack') return [{ is: seen.is, id: seen.id, asked: seen.asked }]
    return []
  })
}
