import type { AccessRates } from '../ams/access/index.ts'
import { Manifests, wellKnown, wellKnownRows } from '../ams/manifests/index.ts'
import type { Given } from '../ams/manifests/index.ts'
import type { AmsParts } from '../ams/routes/index.ts'
import type { HttpRoutes, RouteRow } from '../http/index.ts'
import type { NodeSigners } from '../identity/index.ts'
import type { NodeBase } from './base.ts'
import type { Identity } from './identity.ts'
import type { NodeProofs } from './proofs.ts'

const UNSIGNED =
  'the manifests of this hub are not signed: stop the node, and run omnigate key delegate --role manifest'

/** What a node says of itself under `/.well-known/`. */
export interface NodeManifests {
  readonly signatures: () => 'fresh' | 'stale'
  readonly rows: readonly RouteRow[]
  /** To be added before all other routes, of which `rows` tell. */
  readonly routes: (said: Said) => HttpRoutes
  /** Manifests as they are served; undefined until they are. */
  readonly given: () => Given | undefined
}

export interface Said {
  readonly parts: (url: () => string) => AmsParts
  readonly rates: AccessRates | undefined
  readonly rows: readonly RouteRow[]
}

/** Makes manifests once somebody asks for them, signed by a key of the role manifest. */
export function openManifests(
  { config, log, metrics, writes }: NodeBase,
  { keys }: Identity,
  {
    signers,
    proofs
  }: {
    readonly signers: Pick<NodeSigners, 'of'>
    readonly proofs: Pick<NodeProofs, 'keys' | 'look'> | undefined
  }
): NodeManifests {
  const { gateway } = config
  const manifests = new Manifests({
    async signer() {
      await proofs?.look()
      return await signers.of('manifest')
    },
    nowMs: () => Date.now(),
    onUnsigned: err => log.warn({ event: 'ManifestsUnsigned', err }, UNSIGNED)
  })
  metrics.gauge('ams_manifests_unsigned', '1 while the manifests that are served are not signed.', () =>
    manifests.standing?.isSigned === false ? 1 : 0
  )
  let given: Given | undefined
  return {
    given: () => given,
    signatures: () => (manifests.standing?.isSigned === true ? 'fresh' : 'stale'),
    rows: wellKnownRows(() => Promise.resolve(new Map())),
    routes:
      ({ parts: partsAt, rates, rows }) =>
      (app, url) => {
        const parts = partsAt(url)
        const facts = () => {
          const { service, url: at, write_mode: writeMode, features } = parts.health()
          const { validation, isProofDemanded } = parts.posting
          return {
            service,
            hub: keys.hubId,
            url: at,
            writeMode,
            isPrivate: gateway.private,
            sandbox: writes.sandbox,
            validation,
            isProofDemanded,
            rates,
            policy: parts.policy(),
            proofKeys: proofs?.keys() ?? [],
            features
          }
        }
        given = wellKnown({ ...parts, manifests, facts, rows })(app)
      }
  }
}
