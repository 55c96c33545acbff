import { OapError } from '../../../protocols/index.ts'
import type { Level } from '../level.ts'
import { unsealJson } from '../mailbox/seal.ts'
import { GroupWrites } from './group-writes.ts'
import { between } from './keys.ts'
import { Untold } from './untold.ts'

/** Senders that are blocked at one time. */
export const MOST_BLOCKED = 10_000
const PREFIX = '!ams-blocked!'
const LAST = `${PREFIX}n`
const SENDERS = `${PREFIX}s`
const UNTOLD = `${PREFIX}p`
const ALL = 'all'

/** A `from` of which nothing new is taken. */
export interface BlockedSender {
  readonly from: string
  readonly at: string
  readonly by: string
  readonly reason?: string | undefined
  /** Counts all changes, from 1. */
  readonly n: number
}

/** That a sender is blocked from then on, or no more. */
export interface BlockEvent extends BlockedSender {
  readonly change: 'block' | 'unblock'
  /** The W3C traceparent of the request. */
  readonly trace?: string | undefined
}

type Asked = Omit<BlockEvent, 'n' | 'change'>

export interface BlockedSendersOptions {
  /** Resolves once the audit log has it durably. */
  readonly tell: (event: BlockEvent) => Promise<void>
  readonly onCorrupt: (key: string) => void
}

/**
 * Whose envelopes and messages are refused; in memory, too. A change is durable, and in the audit log, before it is answered;
 * where a crash comes between the two the next opening tells the log. Whoever can write to the store can unblock anybody.
 */
export class BlockedSenders {
  readonly #writes: GroupWrites
  readonly #untold: Untold<BlockEvent>
  readonly #senders = new Map<string, BlockedSender>()

  private constructor(level: Level, writes: GroupWrites, { tell, onCorrupt }: BlockedSendersOptions) {
    this.#writes = writes
    this.#untold = new Untold(level, { start: UNTOLD, tell, onCorrupt })
  }

  static async open(level: Level, options: BlockedSendersOptions): Promise<BlockedSenders> {
    const writes = await GroupWrites.open(level, { ...options, countKey: `${PREFIX}b` })
    const blocked = new BlockedSenders(level, writes, options)
    const rows = await level.iterator<string, Uint8Array>(between(SENDERS)).all()
    const found = rows.flatMap(([key, bytes]) => {
      const sender = unsealJson<BlockedSender>(key, bytes)
      if (sender === undefined) options.onCorrupt(key)
      return sender ?? []
    })
    for (const one of found.sort((a, b) => a.n - b.n)) blocked.#senders.set(one.from, one)
    await blocked.#untold.tellAll()
    return blocked
  }

  get size(): number {
    return this.#senders.size
  }

  has(from: string): boolean {
    return this.#senders.has(from)
  }

  /** Those that were blocked after a change, the first first. */
  list({ after = 0, limit }: { readonly after?: number | undefined; readonly limit: number }): {
    readonly items: readonly BlockedSender[]
    readonly isEnd: boolean
  } {
    const later = [...this.#senders.values()].filter(({ n }) => n > after)
    return { items: later.slice(0, limit), isEnd: later.length <= limit }
  }

  /** Yields how it is blocked: as before, where it was. @throws OapError `quota_tenant` beyond `MOST_BLOCKED` */
  async block(asked: Asked): Promise<BlockedSender> {
    return await this.#change(asked, 'block')
  }

  /** Yields how it was blocked; undefined where it was not. */
  async unblock(asked: Asked): Promise<BlockedSender | undefined> {
    return this.has(asked.from) ? await this.#change(asked, 'unblock') : undefined
  }

  async idle(): Promise<void> {
    await this.#writes.idle()
  }

  async #change({ trace, ...asked }: Asked, change: BlockEvent['change']): Promise<BlockedSender> {
    const { from } = asked
    const sender = await this.#writes.run(async rows => {
      const key = SENDERS + from
      const known = await rows.get<BlockedSender>(key)
      if (known !== undefined && change === 'block') return known
      if (change === 'block' && this.#senders.size >= MOST_BLOCKED)
        throw new OapError('quota_tenant', `${MOST_BLOCKED} senders are blocked: unblock some first`)
      const n = ((await rows.get<number>(LAST)) ?? 0) + 1
      const event: BlockEvent = { ...asked, n, change, trace }
      rows.put(LAST, n)
      if (change === 'block') rows.put(key, { ...asked, n })
      else rows.remove(key)
      rows.put(this.#untold.key(ALL, n), event)
      return change === 'block' ? { ...asked, n } : (known ?? { ...asked, n })
    })
    if (change === 'unblock') this.#senders.delete(from)
    else if (!this.#senders.has(from)) this.#senders.set(from, sender)
    await this.#untold.tell(ALL)
    return sender
  }
}
