import { OapError, tenantBytes } from '../../protocols/index.ts'
import type { Granted } from '../../protocols/index.ts'
import type { Rate } from './bucket-table.ts'
import { TopicIndex } from './topic-index.ts'

const NIL_TENANT = '00000000-0000-0000-0000-000000000000'

/** Topics of one tenant that another hub knows by an id. */
export interface GrantedShare {
  /** 32 hex digits. */
  readonly id: string
  /** A UUID. */
  readonly tenant: string
  /** Which way data may go: `in` to this hub, `out` of it. */
  readonly dir: 'in' | 'out' | 'both'
  /** Patterns. */
  readonly topics: readonly string[]
}

/** What one hub may spend here, over all its connections. */
export interface GrantRates {
  readonly calls: Rate
  /** Frame bytes of calls, and as many of streams, both ways. */
  readonly bytes: Rate
  /** Calls open at one time that stream or subscribe. */
  readonly streams: number
}

/** What a connection of a linked hub may do. */
export interface GrantTerms {
  /** The hub id. */
  readonly hub: string
  readonly verbs: readonly string[]
  readonly shares: readonly GrantedShare[]
  /** Of content that it may ask for; none if missing. */
  readonly classes?: readonly ('public' | 'federated')[] | undefined
  readonly rates: GrantRates
  /** Unix seconds of its end; undefined or Infinity where it has none. */
  readonly expires: number | undefined
  /** The hub has said two things of which one is false, and nothing is allowed until the operator decides. */
  readonly isQuarantined?: boolean
}

/** A call as a grant sees it. */
export interface GrantUse {
  readonly verb: string
  /** True when the operation is about a topic, whether the header names it or not. */
  readonly isOfTopic: boolean
  readonly topic: string | undefined
  /** True when the operation is about content. */
  readonly isOfContent: boolean
  /** True when the operation changes what is stored. */
  readonly changes?: boolean
  /** The header's `share`, whatever stands there. */
  readonly share: unknown
  /** True when the operation brings something in; what reads or takes away goes the other way. */
  readonly brings: boolean
  /** The frame's `tenant_id`; undefined for 0. */
  readonly tenantId: Uint8Array | undefined
  /** Unix seconds by the clock that cannot be set back. */
  readonly now: number
}

/**
 * The right of one linked hub, as our treaty with it says. It is judged in the place of a capability where a call
 * carries none, and never together with one.
 * @see specs/federation-links.md, section 10.1
 */
export class Grant {
  readonly hub: string
  /** `hub:` and the hub id. */
  readonly principal: string
  readonly rates: GrantRates
  readonly #expires: number
  readonly #isQuarantined: boolean
  readonly #verbs: ReadonlySet<string>
  readonly #shares: ReadonlyMap<string, Share>
  readonly #byTopic = new TopicIndex<Share>()
  readonly #withoutShare: Granted
  readonly #readsContent: boolean
  #isHeard = false

  /** @throws RangeError for a share whose tenant is nil. OapError `bad_request` for one that is no UUID. */
  constructor({
    hub,
    verbs,
    shares,
    rates,
    classes = [],
    expires = Infinity,
    isQuarantined = false
  }: GrantTerms) {
    this.hub = hub
    this.principal = `hub:${hub}`
    this.rates = rates
    this.#expires = expires
    this.#isQuarantined = isQuarantined
    this.#verbs = new Set(verbs)
    this.#shares = new Map(shares.map(share => [share.id, new Share(share, this.principal)]))
    for (const { id, topics } of shares)
      for (const topic of topics) this.#byTopic.add(topic, this.#shares.get(id)!)
    this.#withoutShare = { principal: this.principal, tenant: NIL_TENANT, share: undefined, classes }
    this.#readsContent = classes.length > 0
  }

  /** Whether it has come to its end. */
  isOver(nowS: number): boolean {
    return nowS >= this.#expires
  }

  /** A call came that this is to judge. */
  hear(): void {
    this.#isHeard = true
  }

  /** Whether one came since this was asked last. */
  takeHeard(): boolean {
    const isHeard = this.#isHeard
    this.#isHeard = false
    return isHeard
  }

  /** What the call is served as, or why it is refused: `cap_expired`, or `cap_denied` with what it fails by as reason. */
  judge(use: GrantUse): Granted | OapError {
    if (this.isOver(use.now))
      return new OapError('cap_expired', 'the treaty, or the delegation of the node, has expired', {
        reason: 'expires'
      })
    if (this.#isQuarantined)
      return denied('quarantine', 'the link is in quarantine until the operator decides')
    if (!this.#verbs.has(use.verb)) return denied('verb')
    // What storage shares is not a matter of topics, and nothing is stored for the other hub.
    if (use.isOfContent && (use.changes === true || !this.#readsContent)) return denied('content')
    const granted = use.isOfTopic ? this.#shareFor(use) : this.#withoutShare
    if (granted instanceof OapError || use.tenantId === undefined) return granted
    const isItsTenant = granted instanceof Share && isSame(granted.tenantId, use.tenantId)
    return isItsTenant ? granted : denied('tenant')
  }

  #shareFor({ share: named, topic, brings }: GrantUse): Share | OapError {
    if (topic === undefined) return denied('topic')
    const holding = this.#byTopic.find(topic)
    if (named !== undefined) {
      const share = typeof named === 'string' ? this.#shares.get(named) : undefined
      if (share === undefined) return denied('share')
      if (!holding.has(share)) return denied('topic')
      return share.goes(brings) ? share : denied('dir')
    }
    const open = [...holding].filter(share => share.goes(brings))
    if (open.length === 1) return open[0]!
    if (open.length > 1) return denied('share', 'several shares hold this topic; name one of them in share')
    return denied(holding.size > 0 ? 'dir' : 'topic')
  }
}

class Share implements Granted {
  readonly principal: string
  readonly tenant: string
  readonly share: string
  /** As it stands on the wire. */
  readonly tenantId: Uint8Array
  readonly #dir: GrantedShare['dir']

  constructor(row: GrantedShare, principal: string) {
    const tenantId = tenantBytes(row.tenant)
    if (tenantId === undefined) throw new RangeError(`share ${row.id}: tenant: the nil UUID is nobody's`)
    this.#dir = row.dir
    this.principal = principal
    this.tenant = row.tenant
    this.share = row.id
    this.tenantId = tenantId
  }

  goes(isIn: boolean): boolean {
    return this.#dir === 'both' || this.#dir === (isIn ? 'in' : 'out')
  }
}

const denied = (reason: string, why = reason): OapError =>
  new OapError('cap_denied', `the treaty does not allow this call: ${why}`, { reason })

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < b.length; i++) if (a[i] !== b[i]) return false
  return a.length === b.length
}
