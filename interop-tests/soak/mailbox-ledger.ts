/** Removed messages that are remembered, to know one that comes again. */
const REMEMBERED = 5000

/**
 * What a mailbox owes: every message whose sending was acknowledged, until its removal is confirmed. Messages are known
 * by their labels. Holds what is owed, and a bounded number of what is gone.
 */
export class MailboxLedger {
  readonly #owed = new Set<string>()
  /** Labels by the time when their removal was confirmed, the oldest first. */
  readonly #removed = new Map<string, number>()
  readonly #violations: string[] = []
  readonly #most: number
  #next = 0
  #stored = 0

  constructor(remembered = REMEMBERED) {
    this.#most = remembered
  }

  /** A label that no other message has. */
  next(): string {
    return `m${this.#next++}`
  }

  /** The node acknowledged it, so it must come. */
  stored(label: string): void {
    this.#stored++
    // Who receives it may be faster than the answer to who sent it.
    if (!this.#removed.has(label)) this.#owed.add(label)
  }

  /** It came, with a call made at `askedMs`, or with one of which nobody knows when it was due. */
  delivered(label: string | undefined, askedMs = -Infinity): void {
    if (label === undefined || Number(label.slice(1)) >= this.#next)
      return void this.#violations.push(`a message came that nobody sent: ${label ?? 'another body'}`)
    const removed = this.#removed.get(label)
    if (removed !== undefined && askedMs > removed)
      this.#violations.push(`${label} came again after its acknowledgement was confirmed`)
  }

  /** Its acknowledgement was confirmed. */
  removed(label: string, nowMs: number): void {
    this.#owed.delete(label)
    this.#removed.set(label, nowMs)
    const [oldest] = this.#removed.keys()
    if (this.#removed.size > this.#most && oldest !== undefined) this.#removed.delete(oldest)
  }

  /** Its acknowledgement has no answer: it may come again, or be gone. */
  unsure(label: string): void {
    this.#owed.delete(label)
  }

  get owed(): number {
    return this.#owed.size
  }

  get storedCount(): number {
    return this.#stored
  }

  /** Nobody can take any more: what is still owed is lost. */
  settle(): void {
    for (const label of this.#owed) this.#violations.push(`${label} was acknowledged and never came`)
    this.#owed.clear()
  }

  /** What no at-least-once mailbox may do. */
  get violations(): readonly string[] {
    return this.#violations
  }
}

/** Text that tells whether it came as it was sent, of some ten to some thousand bytes. */
export function bodyOf(label: string): string {
  const length = (Number(label.slice(1)) * 7919) % 2000
  return `${label}|`.padEnd(label.length + 1 + length, label)
}

/** The label of a body that is as it was sent. */
export function labelOf(body: Uint8Array): string | undefined {
  const text = Buffer.from(body).toString('latin1')
  const label = text.slice(0, Math.max(0, text.indexOf('|')))
  return /^m\d+$/.test(label) && bodyOf(label) === text ? label : undefined
}
