import { delegate, hubId } from '../../../federation/index.ts'
import type { RoleSigner } from '../../identity/index.ts'
import { generateMinisign } from '../../minisign.ts'
import { DEFAULT_RATES, LOOPBACK_HOSTS, RequestLimits, createAccess } from '../access/index.ts'
import { networksOf } from '../access/addresses.ts'
import { known } from '../access/access.fixture.ts'
import { NOW_MS, surface } from '../routes/routes.fixture.ts'
import type { AmsParts } from '../routes/index.ts'
import type { HubFacts } from './facts.ts'
import { Manifests } from './manifests.ts'
import { wellKnown } from './well-known.ts'

/** A hub and a key of the role manifest that it has signed for. */
export function manifestSigner(): RoleSigner {
  const hub = generateMinisign().secretKey
  const { secretKey } = generateMinisign()
  const nowS = Math.floor(NOW_MS / 1000)
  const delegation = delegate<'manifest'>(hub.key, {
    hub: hubId(hub.publicKey),
    node: 'node1',
    role: 'manifest',
    key: Buffer.from(secretKey.publicKey).toString('hex'),
    not_before: nowS,
    not_after: nowS + 86_400,
    epoch: 1
  })
  return { secretKey, delegation }
}

export const FACTS: HubFacts = {
  service: 'omnigate',
  hub: 'h1a',
  url: 'http://127.0.0.1:4803',
  writeMode: 'open',
  isPrivate: false,
  sandbox: '',
  validation: 'standard',
  isProofDemanded: false,
  proofKeys: [],
  rates: DEFAULT_RATES,
  policy: { policy: { rules: [] }, policy_version: '1', policy_hash: 'ab'.repeat(32) },
  features: { sync: true }
}

/** The AMS surface with its manifests, over stores in memory; what it stands on can be changed. */
export async function publishing(
  given: Partial<HubFacts> = {},
  by: RoleSigner | undefined = manifestSigner()
) {
  const now = { ms: NOW_MS }
  const hub: { facts: HubFacts; signer: () => Promise<RoleSigner | undefined> } = {
    facts: { ...FACTS, ...given },
    signer: async () => by
  }
  const unsigned: unknown[] = []
  const manifests = new Manifests({
    signer: () => hub.signer(),
    nowMs: () => now.ms,
    onUnsigned: error => void unsigned.push(error)
  })
  const health: AmsParts['health'] = () => ({
    service: 'omnigate',
    mode: 'memory',
    url: hub.facts.url,
    write_mode: hub.facts.writeMode,
    features: {},
    signatures: manifests.standing?.isSigned === true ? 'fresh' : 'stale'
  })
  const served = await surface({
    options: { health },
    before(app, parts) {
      createAccess({
        hosts: new Set(LOOPBACK_HOSTS),
        origins: new Set(),
        proxies: networksOf([]),
        known: () => ({ ...known, writeMode: hub.facts.writeMode, isPrivate: hub.facts.isPrivate }),
        limits: new RequestLimits(DEFAULT_RATES),
        tenant: 'default',
        app: 'ams',
        now: () => 0,
        onRefusal: () => undefined
      })(app)
      wellKnown({ ...parts, manifests, facts: () => hub.facts })(app)
    }
  })
  const get = (path: string, headers: Readonly<Record<string, string>> = {}) =>
    served.app.inject({ url: path, headers: { host: 'localhost', ...headers } })
  return { ...served, get, now, hub, by, manifests, unsigned }
}
