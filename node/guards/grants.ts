import { OapError } from '../../protocols/index.ts'
import type { Call, ConnectionState, Granted, ServerCall } from '../../protocols/index.ts'
import type { Grant, GrantUse } from './grant.ts'

export interface GrantsOptions {
  /** Whether the tenant of a share is there. */
  readonly isActive: (tenant: string) => boolean
  /** Unix seconds by the clock that cannot be set back. */
  readonly seconds: () => number
}

/**
 * The grants of the connections of linked hubs, each good for that one connection. Whoever links gives them, changes
 * them and takes them back, also when the connection closes. Not durable: links are made anew after a restart.
 */
export class Grants {
  readonly #o: GrantsOptions
  readonly #grants = new Map<ConnectionState, Grant>()
  readonly #lapsed = new WeakSet<Grant>()
  readonly #listeners = new Set<() => void>()

  constructor(options: GrantsOptions) {
    this.#o = options
  }

  /** Connections that have one. */
  get size(): number {
    return this.#grants.size
  }

  of(connection: ConnectionState): Grant | undefined {
    return this.#grants.get(connection)
  }

  /** Gives a connection a grant in the place of the one that it had. That it is no stranger's is a matter of its link. */
  set(connection: ConnectionState, grant: Grant): void {
    const before = this.#grants.get(connection)
    this.#grants.set(connection, grant)
    if (before !== undefined && before !== grant) this.#changed()
  }

  /** Takes a connection's grant back; false when it had none. */
  remove(connection: ConnectionState): boolean {
    const had = this.#grants.delete(connection)
    if (had) this.#changed()
    return had
  }

  /** Has calls judged again under grants that came to their end since the last time; for a timer. */
  expire(): void {
    const now = this.#o.seconds()
    const lapsed = [...this.#grants.values()].filter(grant => grant.isOver(now) && !this.#lapsed.has(grant))
    for (const grant of lapsed) this.#lapsed.add(grant)
    if (lapsed.length > 0) this.#changed()
  }

  /** Calls `listener` when calls under way must be judged again, until the function that it gives is called. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** What the grant of a connection allows of a call, or why it is refused; undefined where there is no grant. */
  judge(connection: ConnectionState, use: Omit<GrantUse, 'now'>): GrantedCall | OapError | undefined {
    const grant = this.#grants.get(connection)
    if (grant === undefined) return undefined
    grant.hear()
    const granted = this.#judge(grant, use)
    return granted instanceof OapError ? granted : new GrantedCall(granted, connection, use)
  }

  /** Why a call under way may not go on under the grant that its connection has now; undefined for calls of others. */
  review({ granted: before }: ServerCall): OapError | undefined {
    if (!(before instanceof GrantedCall)) return undefined
    const grant = this.#grants.get(before.connection)
    if (grant === undefined) return ended()
    const now = this.#judge(grant, before.use)
    if (now instanceof OapError) return now
    // What it reads and writes is the tenant's that it began with.
    if (now.tenant === before.tenant && grant.principal === before.principal) return undefined
    return new OapError('cap_denied', 'the share is of another tenant now', { reason: 'tenant' })
  }

  /** Why a call may not send to a further topic of the share that it is in; undefined where it may, and for calls of others. */
  sendRefusal({ granted }: Call, verb: string, topic: string): OapError | undefined {
    if (!(granted instanceof GrantedCall)) return undefined
    const grant = this.#grants.get(granted.connection)
    const { share } = granted
    const verdict = grant && this.#judge(grant, { ...granted.use, verb, topic, share, brings: true })
    return verdict === undefined ? ended() : verdict instanceof OapError ? verdict : undefined
  }

  #judge(grant: Grant, use: Omit<GrantUse, 'now'>): Granted | OapError {
    const granted = grant.judge({ ...use, now: this.#o.seconds() })
    if (granted instanceof OapError || granted.share === undefined || this.#o.isActive(granted.tenant))
      return granted
    return new OapError('cap_revoked', 'the tenant of the share is gone', { reason: 'tenant' })
  }

  #changed(): void {
    for (const listener of this.#listeners) listener()
  }
}

/** What was allowed of one call, kept with what it was judged by. */
export class GrantedCall implements Granted {
  readonly principal: string
  readonly tenant: string
  readonly share: string | undefined
  readonly classes: Granted['classes']
  readonly connection: ConnectionState
  readonly use: Omit<GrantUse, 'now'>

  constructor(
    { principal, tenant, share, classes }: Granted,
    connection: ConnectionState,
    use: Omit<GrantUse, 'now'>
  ) {
    this.principal = principal
    this.tenant = tenant
    this.share = share
    this.classes = classes
    this.connection = connection
    this.use = use
  }
}

const ended = (): OapError => new OapError('cap_revoked', 'the link has ended', { reason: 'grant' })
