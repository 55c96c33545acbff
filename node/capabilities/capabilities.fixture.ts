import { decodeToken, verifyToken } from '../../protocols/index.ts'
import type { VerifiedToken } from '../../protocols/index.ts'
import { nodeMacaroonCrypto } from '../macaroon-crypto.ts'
import { openLevel } from '../stores/level.ts'
import type { Level } from '../stores/level.ts'
import type { CapabilityEvent } from './audit.ts'
import { Capabilities } from './capabilities.ts'
import { capabilitiesInMemory } from './folder.ts'
import type { KeptCapabilities } from './folder.ts'
import { DEFAULT_MINT_POLICY } from './mint-policy.ts'
import { MintedList } from './minted-list.ts'
import { HUB } from './revocation.fixture.ts'
import { SteadyClock } from './steady-clock.ts'
import { Tenants } from './tenants.ts'

export const NOW_S = Date.UTC(2026, 0, 1) / 1000
export const PEER = '12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN'
export const OPERATOR = { actor: 'local' }

/** A hub's capabilities over a store in memory, with a clock that the test moves. */
export async function hubCapabilities({ kept = capabilitiesInMemory(HUB), level }: Partial<Given> = {}) {
  let now = NOW_S * 1000
  const store = level ?? (await openLevel('memory'))
  const minted = await MintedList.open(() => store)
  const tenants = await Tenants.open(() => store)
  const events: CapabilityEvent[] = []
  const audit = { record: async (event: CapabilityEvent) => void events.push(event) }
  const clock = new SteadyClock({ wall: () => now, monotonic: () => 0 })
  const policy = DEFAULT_MINT_POLICY
  const hub = new Capabilities({ ...kept, hub: HUB, minted, tenants, audit, clock, policy })
  const tenant = (await hub.begin('default')) ?? hub.tenant('default')
  return {
    hub,
    tenant,
    events,
    audit,
    minted,
    pass: (seconds: number) => void (now += seconds * 1000),
    nowS: () => now / 1000,
    verify: (token: Uint8Array): VerifiedToken =>
      verifyToken(token, { crypto: nodeMacaroonCrypto, hub: HUB, keys: hub.keys }),
    /** The caveats as they stand in a token. */
    lines: (token: Uint8Array) =>
      decodeToken(token).macaroon.caveats.map(({ identifier }) => Buffer.from(identifier).toString())
  }
}

interface Given {
  readonly kept: KeptCapabilities
  readonly level: Level
}
