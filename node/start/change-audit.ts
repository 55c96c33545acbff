import { createHmac } from 'node:crypto'
import type { AuditEvent } from '../audit/index.ts'
import type { NodeStore } from '../stores/node-store.ts'

const DURABLE: object = { sync: true }

/** What the audit log is to be told of where it comes, goes or is another under its name. */
export interface Named {
  readonly name: string
  /** A digest of its text. */
  readonly sha256: string
}

export interface Changed<N extends Named> {
  readonly change: 'add' | 'remove' | 'change'
  /** As it is now; of what is removed, as it was. */
  readonly one: N
}

export interface ChangeAuditOptions<N extends Named> {
  readonly store: Pick<NodeStore, 'level'>
  /** Of the node, and not in the store. */
  readonly secret: Uint8Array
  readonly append: (event: AuditEvent) => Promise<void>
  /** Of the row that says what the log knows of. */
  readonly key: string
  /** What digests are kept for. */
  readonly purpose: string
  /** What is kept of one beside its digest, and compared. */
  readonly kept: (one: N) => Omit<N, 'sha256'>
  readonly event: (changed: Changed<N>, actor: string) => AuditEvent
}

/**
 * The names that the audit log knows of, so that it is told what has changed, also while the node was stopped. After a crash it
 * may be told twice. Whoever can write to the store can hide a change. What it keeps of a text is no plain digest: a short one could
 * be guessed from that. With another secret, each counts as changed.
 */
export class ChangeAudit<N extends Named> {
  readonly #o: ChangeAuditOptions<N>
  readonly #key: Buffer
  #told: { readonly list: readonly N[] } | undefined
  #isTelling = false

  constructor(options: ChangeAuditOptions<N>) {
    this.#o = options
    this.#key = createHmac('sha256', options.secret).update(options.purpose).digest()
  }

  isTold(now: { readonly list: readonly N[] }): boolean {
    return this.#told === now
  }

  /**
   * Resolves once the log has what has changed, or at once while another call is under way; rejects where it could not be told.
   * To be called again until `isTold`.
   */
  async tell(now: { readonly list: readonly N[] }, actor = 'local'): Promise<void> {
    if (this.#isTelling) return
    this.#isTelling = true
    try {
      await this.#tell(now, actor)
    } finally {
      this.#isTelling = false
    }
  }

  async #tell(now: { readonly list: readonly N[] }, actor: string): Promise<void> {
    const { store, key, append, event } = this.#o
    const rows = store.level.sublevel<string, string>('node', { valueEncoding: 'utf8' })
    const text = await rows.get(key)
    const before = text === undefined ? [] : (JSON.parse(text) as readonly N[])
    const known = now.list.map(one => this.#known(one))
    const changes = changesOf(before, known)
    for (const changed of changes) await append(event(changed, actor))
    if (changes.length > 0) await rows.put(key, JSON.stringify(known), DURABLE)
    this.#told = now
  }

  #known(one: N): N {
    const sha256 = createHmac('sha256', this.#key).update(one.sha256).digest('hex')
    return { ...this.#o.kept(one), sha256 } as N
  }
}

/** What has changed from one list to another, each name once. */
function changesOf<N extends Named>(before: readonly N[], after: readonly N[]): readonly Changed<N>[] {
  const olds = new Map(before.map(one => [one.name, one]))
  const names = new Set(after.map(({ name }) => name))
  const isSame = (old: N, one: N): boolean =>
    Object.entries(one).every(([member, value]) => old[member as keyof N] === value)
  return [
    ...before.filter(({ name }) => !names.has(name)).map(one => ({ change: 'remove', one }) as const),
    ...after.flatMap((one): readonly Changed<N>[] => {
      const old = olds.get(one.name)
      if (old === undefined) return [{ change: 'add', one }]
      return isSame(old, one) ? [] : [{ change: 'change', one }]
    })
  ]
}
