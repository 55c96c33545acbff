import { hash } from 'node:crypto'
import type { TokenBucket } from '../../../protocols/index.ts'
import { BucketTable } from '../../guards/bucket-table.ts'
import type { AccessRates } from './access-rates.ts'
import { siteOf, sourceOf } from './addresses.ts'

/** Buckets kept of each of the four kinds, whoever comes. */
const CAPACITY = 65_536
/** An owner of a /48 may ask as much as so many sources. */
const SOURCES_OF_A_SITE = 16
const MINUTE_S = 60

/** Which bucket a request is charged to, as answers name it. */
export type BucketName = 'ip' | 'ip_site' | 'ip_agent' | 'tenant_app' | 'capability' | 'failed_tokens'

/** What a request is charged to. */
export interface Asked {
  /** The client's address as `parseIp` gives it, or `local`. */
  readonly ip: string
  readonly agent: string
  readonly kind: 'read' | 'write'
  /** Whether it has shown a token that is good. */
  readonly isKnown: boolean
  readonly tenant: string
  readonly app: string
  /** Name of the token; of anonymous callers nothing is looked up by it. */
  readonly token: string
}

/** How a bucket stands. */
export interface Level {
  readonly bucket: BucketName
  readonly perMinute: number
  /** Whole requests that it would let through now. */
  readonly left: number
  /** Until it is full, or until one more is let through where none is left. */
  readonly resetMs: number
}

export interface Admitted {
  /** The bucket that lets nothing more through; undefined where the request was counted. */
  readonly spent: Level | undefined
  /** Those of the source. */
  readonly levels: readonly Level[]
}

interface Charge {
  readonly bucket: BucketName
  readonly table: BucketTable
  readonly key: string
  /** As many at once, too. */
  readonly perMinute: number
  /** Whether it stays spent where a later bucket refuses. */
  readonly stays?: boolean
}

/**
 * What requests may ask for: buckets per source, source and User-Agent, tenant and app, and token, each kind in a table of
 * its own, at most 65,536 in each. A bucket of a User-Agent is made only once its source has paid, and the source gets
 * nothing back, so that new User-Agents neither get around a bucket nor push those of others out. Who has more networks
 * than the table has places makes sources that are new there begin empty: they wait for their first request as for others.
 */
export class RequestLimits {
  readonly #rates: AccessRates
  readonly #sources: BucketTable
  readonly #agents: BucketTable
  readonly #tenants: BucketTable
  readonly #tokens: BucketTable

  constructor(rates: AccessRates, { capacity = CAPACITY }: { readonly capacity?: number } = {}) {
    this.#rates = rates
    this.#sources = new BucketTable(capacity)
    this.#agents = new BucketTable(capacity)
    this.#tenants = new BucketTable(capacity)
    this.#tokens = new BucketTable(capacity)
  }

  /** Buckets that are kept. */
  get size(): number {
    return this.#sources.size + this.#agents.size + this.#tenants.size + this.#tokens.size
  }

  /** Counts a request, or says which bucket is empty. `now` in milliseconds that never go back. */
  admit(asked: Asked, now: number): Admitted {
    const taken: (Charge & { readonly of: TokenBucket })[] = []
    for (const charge of this.#charges(asked)) {
      const of = bucketOf(charge, now)
      const waitMs = of.take(1, now)
      if (waitMs > 0) {
        for (const { stays, of: earlier } of taken) if (stays !== true) earlier.giveBack(1)
        return { spent: { ...levelOf(charge, of, now), left: 0, resetMs: waitMs }, levels: [] }
      }
      taken.push({ ...charge, of })
    }
    return {
      spent: undefined,
      levels: taken
        .filter(({ bucket }) => bucket === 'ip' || bucket === 'ip_agent')
        .map(charge => levelOf(charge, charge.of, now))
    }
  }

  /** Counts a token of a source that was not good; yields the bucket where there were too many. */
  tokenFailed(ip: string, now: number): Level | undefined {
    const charge = this.#failures(ip)
    const of = bucketOf(charge, now)
    const waitMs = of.take(1, now)
    return waitMs > 0 ? { ...levelOf(charge, of, now), left: 0, resetMs: waitMs } : undefined
  }

  /** Why no token of this source is taken that it may have guessed; undefined where one is. */
  guessRefusal(ip: string, now: number): Level | undefined {
    const spent = this.tokenFailed(ip, now)
    if (spent === undefined) bucketOf(this.#failures(ip), now).giveBack(1)
    return spent
  }

  #failures(ip: string): Charge {
    const { failedTokens } = this.#rates
    return {
      bucket: 'failed_tokens',
      table: this.#sources,
      key: `failed ${sourceOf(ip)}`,
      perMinute: failedTokens
    }
  }

  #charges({ ip, agent, kind, isKnown, tenant, app, token }: Asked): readonly Charge[] {
    const rates = isKnown ? this.#rates.known : this.#rates.anonymous
    const who = isKnown ? 'known' : 'anonymous'
    const source = sourceOf(ip)
    const site = siteOf(ip)
    const charges: Charge[] = [
      {
        bucket: 'tenant_app',
        table: this.#tenants,
        key: `${tenant} ${app} ${who} ${kind}`,
        perMinute: rates.tenantApp[kind]
      }
    ]
    if (isKnown) {
      charges.push({
        bucket: 'capability',
        table: this.#tokens,
        key: `${token} ${kind}`,
        perMinute: rates.token[kind]
      })
    }
    if (site !== undefined)
      charges.push({
        bucket: 'ip_site',
        table: this.#sources,
        key: `${site} ${who} ${kind}`,
        perMinute: rates.source[kind] * SOURCES_OF_A_SITE
      })
    charges.push(
      {
        bucket: 'ip',
        table: this.#sources,
        key: `${source} ${who} ${kind}`,
        perMinute: rates.source[kind],
        stays: true
      },
      {
        bucket: 'ip_agent',
        table: this.#agents,
        key: `${source} ${who} ${kind} ${hash('sha256', agent, 'base64url')}`,
        perMinute: rates.agent[kind]
      }
    )
    return charges
  }
}

const bucketOf = ({ table, key, perMinute }: Charge, now: number): TokenBucket =>
  table.get(key, { burst: perMinute, perSecond: perMinute / MINUTE_S }, now)

/** Within a rounding error of floating point. */
const NEARLY = 1e-6

function levelOf({ bucket, perMinute }: Charge, of: TokenBucket, now: number): Level {
  const fullMs = of.msUntilFull(now)
  const left = Math.floor(perMinute - (fullMs * perMinute) / (MINUTE_S * 1000) + NEARLY)
  return { bucket, perMinute, left: Math.max(0, left), resetMs: fullMs }
}
