import { randomUUID } from 'node:crypto'
import { OapError } from '../../protocols/index.ts'
import { SetupError } from '../setup-error.ts'
import type { Level } from '../stores/level.ts'
import { CheckedRows } from '../stores/checked-rows.ts'

/** Names that were purged count, too. */
export const MAX_TENANTS = 10_000
export const MAX_APPS = 256
/** The name of their rows in a store. */
export const TENANT_ROWS = 'tenants'

const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const NIL = '00000000-0000-0000-0000-000000000000'
/** Whose the blobs are that the hub itself stores; no tenant has this id. */
export const HUB_TENANT = '00000000-0000-0000-0000-000000000501'
/** Whose the bytes of AMS artifacts are. */
export const AMS_TENANT = '00000000-0000-0000-0000-000000000701'
const OWN: readonly string[] = [NIL, HUB_TENANT, AMS_TENANT]
const FIRST = '#first'

/** What a tenant may spend on each app by itself. */
export interface AppLimits {
  readonly callsPerSecond: number
  /** Calls at once after a quiet while. */
  readonly burst: number
  readonly bytesPerSecond: number
}

export const DEFAULT_TENANT_LIMITS: AppLimits = {
  callsPerSecond: 1000,
  burst: 2000,
  bytesPerSecond: 64 * 1024 * 1024
}

export interface Tenant {
  readonly id: string
  readonly name: string
  /** `removed`: no token of it is good, its data stay; `purged`: its id alone is kept, so that no other gets it. */
  readonly state: 'active' | 'removed' | 'purged'
  /** Unix seconds. */
  readonly addedAt: number
  /** What differs from the defaults, for each app that has no limits of its own. */
  readonly limits: Partial<AppLimits>
  /** What differs from that, by `app_proto_id`. */
  readonly apps: Readonly<Record<number, Partial<AppLimits>>>
}

interface EffectiveLimits {
  readonly general: AppLimits
  readonly byApp: ReadonlyMap<number, AppLimits>
}

export interface TenantsOptions {
  readonly defaults?: AppLimits
  readonly uuid?: () => string
}

/**
 * Whose data a hub serves. Survives a power cut; changes must come one after the other. Whoever can write to the store
 * can bring a removed tenant back and lift limits.
 */
export class Tenants {
  readonly #rows: CheckedRows
  readonly #defaults: AppLimits
  readonly #uuid: () => string
  readonly #tenants = new Map<string, Tenant>()
  readonly #effective = new WeakMap<Tenant, EffectiveLimits>()
  #hasBegun = false

  private constructor(
    rows: CheckedRows,
    { defaults = DEFAULT_TENANT_LIMITS, uuid = randomUUID }: TenantsOptions
  ) {
    this.#rows = rows
    this.#defaults = defaults
    this.#uuid = uuid
  }

  /** @throws SetupError `badInput` when one of them is damaged. */
  static async open(level: () => Level, options: TenantsOptions = {}): Promise<Tenants> {
    const rows = new CheckedRows(level, TENANT_ROWS)
    const tenants = new Tenants(rows, options)
    for (const { key, value } of await rows.all()) {
      if (value === undefined)
        throw new SetupError('badInput', `store: tenant ${key} is damaged; restore the store from a backup`)
      if (key === FIRST) tenants.#hasBegun = true
      else tenants.#tenants.set(key, value as Tenant)
    }
    return tenants
  }

  /** Adds the first tenant of a hub that has never had one; undefined when it has. */
  async begin(name: string, nowS: number): Promise<Tenant | undefined> {
    if (this.#hasBegun) return undefined
    const tenant = this.#fresh(name, this.#uuid(), nowS)
    await this.#keep(tenant)
    return tenant
  }

  /**
   * Adds a tenant, or brings one back that was removed and not purged when its id is named.
   * Throws `bad_request`; `conflict` when name or id is taken, or there are too many.
   */
  async add(name: string, id: string = this.#uuid(), nowS: number): Promise<Tenant> {
    if (!NAME.test(name) || UUID.test(name))
      throw new OapError('bad_request', 'name: 1 to 63 of a-z, 0-9 and -, and not a UUID')
    if (!UUID.test(id) || OWN.includes(id))
      throw new OapError('bad_request', 'id: a UUID in lower case, not the nil one nor that of the hub')
    const known = this.#tenants.get(id)
    const namesake = this.#named(name)
    if (namesake !== undefined && namesake !== known)
      throw new OapError('conflict', `tenant ${name}: there is one of this name already, ${namesake.id}`)
    if (known?.state === 'active') throw new OapError('conflict', `tenant ${id}: is there already`)
    if (known?.state === 'purged')
      throw new OapError('conflict', `tenant ${id}: was purged; its id is never used again`)
    if (known === undefined && this.#tenants.size >= MAX_TENANTS)
      throw new OapError('conflict', `there are ${MAX_TENANTS} tenants already`)
    return this.#keep(known === undefined ? this.#fresh(name, id, nowS) : { ...known, name, state: 'active' })
  }

  /** True when the tenant of this id is gone for ever, and nothing of it is to be kept. */
  isPurged(id: string): boolean {
    return this.#tenants.get(id)?.state === 'purged'
  }

  /** All but the purged ones, by name. */
  list(): Tenant[] {
    return [...this.#tenants.values()]
      .filter(({ state }) => state !== 'purged')
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** The tenant with an id or a name. Throws `not_found`. */
  find(idOrName: string): Tenant {
    const found = this.#tenants.get(idOrName) ?? this.#named(idOrName)
    if (found !== undefined && found.state !== 'purged') return found
    throw new OapError('not_found', `tenant: this hub has none with this id or name; add it with tenant add`)
  }

  isActive(id: string): boolean {
    return this.#tenants.get(id)?.state === 'active'
  }

  /** What a tenant may spend on an app; the defaults for one that is not there. The same object until it changes. */
  limitsOf(id: string, app: number): AppLimits {
    const tenant = this.#tenants.get(id)
    if (tenant === undefined) return this.#defaults
    const { general, byApp } = this.#effectiveOf(tenant)
    return byApp.get(app) ?? general
  }

  #effectiveOf(tenant: Tenant): EffectiveLimits {
    const known = this.#effective.get(tenant)
    if (known !== undefined) return known
    const general = { ...this.#defaults, ...tenant.limits }
    const byApp = new Map(
      Object.entries(tenant.apps).map(([app, own]) => [Number(app), { ...general, ...own }])
    )
    const effective = { general, byApp }
    this.#effective.set(tenant, effective)
    return effective
  }

  /** Changes limits, of one app or of all that have none of their own; `undefined` leaves nothing but the defaults. */
  async limit(id: string, limits: Partial<AppLimits> | undefined, app?: number): Promise<Tenant> {
    const tenant = this.find(id)
    if (app === undefined)
      return this.#keep({ ...tenant, limits: limits === undefined ? {} : { ...tenant.limits, ...limits } })
    const { [app]: before, ...others } = tenant.apps
    if (limits === undefined) return this.#keep({ ...tenant, apps: others })
    if (before === undefined && Object.keys(others).length >= MAX_APPS)
      throw new OapError('conflict', `tenant ${tenant.name}: has limits for ${MAX_APPS} apps already`)
    return this.#keep({ ...tenant, apps: { ...others, [app]: { ...before, ...limits } } })
  }

  /** From now on no token of the tenant is good. With `purge` nothing but its id is kept. */
  async remove(id: string, { purge = false }: { readonly purge?: boolean } = {}): Promise<Tenant> {
    const tenant = this.find(id)
    if (!purge) return this.#keep({ ...tenant, state: 'removed' })
    return this.#keep({ ...tenant, name: '', state: 'purged', limits: {}, apps: {} })
  }

  #named(name: string): Tenant | undefined {
    return name === '' ? undefined : [...this.#tenants.values()].find(tenant => tenant.name === name)
  }

  #fresh(name: string, id: string, addedAt: number): Tenant {
    return { id, name, state: 'active', addedAt, limits: {}, apps: {} }
  }

  async #keep(tenant: Tenant): Promise<Tenant> {
    const rows = [{ key: tenant.id, value: tenant }]
    await this.#rows.put(this.#hasBegun ? rows : [...rows, { key: FIRST, value: true }])
    this.#hasBegun = true
    this.#tenants.set(tenant.id, tenant)
    return tenant
  }
}
