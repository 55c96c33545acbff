import { join } from 'node:path'
import type { DataFolder } from '../data-folder.ts'
import { readHubKey } from '../hub-key.ts'
import type { NodeKeys } from '../keys.ts'
import type { MinisignSecretKey } from '../minisign.ts'
import type { Level } from '../stores/level.ts'
import type { CapabilityAudit } from './audit.ts'
import { Capabilities } from './capabilities.ts'
import { capabilitiesInMemory, openCapabilityFolder } from './folder.ts'
import { DEFAULT_MINT_POLICY } from './mint-policy.ts'
import type { MintPolicy } from './mint-policy.ts'
import { MINTED_ROWS, MintedList } from './minted-list.ts'
import type { SteadyClock } from './steady-clock.ts'
import { TENANT_ROWS, Tenants } from './tenants.ts'
import type { AppLimits } from './tenants.ts'

export const FIRST_TENANT = 'default'
/** The names under which a store keeps who may do what. */
export const RIGHTS = [TENANT_ROWS, MINTED_ROWS] as const

export interface CapabilitySources {
  /** The data folder that this process holds; without one everything ends with the process. */
  readonly folder: DataFolder | undefined
  readonly keys: NodeKeys
  /** What an operator gave to sign with; without it the hub key of the folder, if that lies open there. */
  readonly hubKey?: MinisignSecretKey | undefined
  /** The open store; asked each time, as a store that failed is opened again. */
  readonly level: () => Level
  /** The store is a copy that ends with the process, unlike keys and revocations: no right may change. */
  readonly isPassing?: boolean
  readonly audit: CapabilityAudit
  readonly clock: SteadyClock
  readonly policy?: Partial<MintPolicy>
  /** What a tenant may spend on each app unless the operator has said otherwise. */
  readonly tenantLimits?: AppLimits
  /** Hears what was repaired while opening. */
  readonly warn?: (event: CapabilityWarning) => void
}

export type CapabilityWarning =
  | { readonly event: 'RevocationTailRepaired'; readonly bytes: number }
  | { readonly event: 'MintedRightDamaged'; readonly cap_id: string }

/**
 * The capabilities of a hub, for its running node and for commands on the data folder of a stopped one. A hub that never
 * had a tenant gets its first.
 * @throws SetupError `badInput`, `noInput`, `permission`, `newerFormat`; the message names the file and the way out.
 */
export async function openCapabilities({
  folder,
  keys: { hubId: hub, delegation },
  hubKey: given,
  level,
  isPassing = false,
  audit,
  clock,
  policy,
  tenantLimits,
  warn = () => undefined
}: CapabilitySources): Promise<Capabilities> {
  const hubKey = async () => given ?? (folder === undefined ? undefined : readHubKey(folder.keys))
  const nodeName = delegation.statement.node
  const kept =
    folder === undefined
      ? capabilitiesInMemory(hub)
      : await openCapabilityFolder(join(folder.folder, 'capabilities'), {
          hub,
          nodeName,
          hubKey,
          now: clock.now()
        })
  if (kept.tornBytes > 0) warn({ event: 'RevocationTailRepaired', bytes: kept.tornBytes })
  const onDamaged = (capId: string): void => warn({ event: 'MintedRightDamaged', cap_id: capId })
  const minted = await MintedList.open(level, { onDamaged })
  await minted.forget(clock.seconds())
  const tenants = await Tenants.open(level, tenantLimits === undefined ? {} : { defaults: tenantLimits })
  const capabilities = new Capabilities({
    ...kept,
    isPassing,
    hub,
    minted,
    tenants,
    audit,
    clock,
    policy: { ...DEFAULT_MINT_POLICY, ...policy }
  })
  await capabilities.begin(FIRST_TENANT)
  return capabilities
}
