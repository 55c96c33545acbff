import { OapError } from '../../protocols/index.ts'
import type { EnvelopeProof, Immutable } from '../ams/envelope.ts'
import { ProofSecrets } from '../ams/proof-secrets.ts'
import { proofBy } from '../ams/proofs.ts'
import type { Secrets } from '../ams/proofs.ts'
import { ConfigError } from '../config/index.ts'
import { goodDelegations } from '../identity/index.ts'
import type { NodeSigners, RoleSigner } from '../identity/index.ts'
import type { NodeBase } from './base.ts'
import type { AuditEvent } from '../audit/index.ts'
import type { NodeStore } from '../stores/node-store.ts'
import type { ChangeAudit, Named } from './change-audit.ts'
import type { Identity } from './identity.ts'
import { proofSecretAudit } from './token-audit.ts'

const LOOK_EVERY_MS = 1000
const NO_KEY = 'this hub proves what it stores, and has no key for it now: its operator finds why in the log'
const UNPROVEN =
  'envelopes are refused, as gateway.prove has no key: stop the node, and run omnigate key delegate --role message'

/** Proofs of envelopes, as the configuration wants them. */
export interface NodeProofs {
  /** The proof of this hub; none where it adds none. @throws OapError `not_ready` without a key */
  readonly prove: ((immutable: Immutable) => Promise<EnvelopeProof>) | undefined
  /** Of `HMAC-SHA256`, as they are at this moment. */
  readonly secrets: Secrets & { readonly size: number }
  /** The hub key's words for the keys that prove, as lines, as they were found last. */
  readonly keys: () => readonly string[]
  /** Looks for them again. */
  readonly look: () => Promise<unknown>
}

export interface ProofsPlace {
  readonly signers: Pick<NodeSigners, 'of'>
  readonly store: Pick<NodeStore, 'level'>
  readonly audit: { append(event: AuditEvent): Promise<void> }
}

/**
 * Has the hub prove what it stores, by the key of the role `message`, and follows the file of secrets, whose changes the audit log is told. @see specs/ams.md, section 4
 * @throws ConfigError where there can be no key; SetupError for a file of secrets that cannot be used
 */
export async function openProofs(
  base: NodeBase,
  { folder, keys: { hubId, nodeKey } }: Identity,
  { signers, store, audit }: ProofsPlace
): Promise<NodeProofs> {
  const { config, log, metrics } = base
  const { prove: isProving, proof_secrets: path } = config.gateway
  if (isProving && folder === undefined)
    throw new ConfigError([
      { path: 'gateway.prove', message: 'a node without a data folder has no key to prove with' }
    ])
  const secrets = await ProofSecrets.open(path)
  metrics.gauge(
    'ams_proof_secrets',
    'Secrets that proofs of HMAC-SHA256 are verified with.',
    () => secrets.size
  )
  // Also without a file: that there is none any more is told.
  const told = proofSecretAudit({ store, secret: nodeKey.raw, append: event => audit.append(event) })
  await follow(base, secrets, told, path !== '')
  let signer: RoleSigner | undefined
  metrics.gauge('ams_proof_key_missing', '1 while envelopes are refused, as no key may prove them.', () =>
    isProving && signer === undefined ? 1 : 0
  )
  if (!isProving || folder === undefined)
    return { prove: undefined, secrets, keys: () => [], look: () => Promise.resolve() }

  let keys: readonly string[] = []
  let isTold = false
  const look = async (): Promise<RoleSigner | undefined> => {
    let failure: unknown
    const found = await signers.of('message').catch((error: unknown) => void (failure = error))
    if (found === undefined && !isTold) log.error({ event: 'EnvelopesUnproven', err: failure }, UNPROVEN)
    isTold = found === undefined
    if (found !== signer) keys = await goodDelegations(folder.keys, 'message', hubId)
    signer = found
    return found
  }
  await look()
  return {
    secrets,
    keys: () => keys,
    look,
    async prove(immutable) {
      const by = await look()
      if (by === undefined) throw new OapError('not_ready', NO_KEY)
      const { secretKey, delegation } = by
      return proofBy({ secretKey: secretKey.key, publicKey: delegation.statement.key }, immutable)
    }
  }
}

/** Follows the file, if there is one, and tells the audit log what has changed until it has it. */
async function follow(
  { log, started }: NodeBase,
  secrets: ProofSecrets,
  told: ChangeAudit<Named>,
  hasFile: boolean
): Promise<void> {
  let last = ''
  const tell = (problem: string): void => {
    if (problem !== last)
      log.error(
        { event: 'ProofSecretsRefused', problem },
        'the file of secrets is wrong; those from before hold'
      )
    last = problem
  }
  const look = async (): Promise<void> => {
    const news = await secrets.look()
    if (news === 'same') return
    if (news !== 'loaded') return tell(news.problem)
    last = ''
    log.info({ event: 'ProofSecretsLoaded', secrets: secrets.size }, 'the secrets of proofs have changed')
  }
  let isMissed = false
  const record = async (): Promise<void> => {
    const { known } = secrets
    try {
      if (!told.isTold(known)) await told.tell(known)
      isMissed = false
    } catch (err) {
      if (!isMissed)
        log.warn(
          { event: 'ProofSecretsNotTold', err },
          'a change of the secrets of proofs is not recorded; it is later'
        )
      isMissed = true
    }
  }
  await record()
  if (!hasFile && !isMissed) return
  let isLooking = false
  const timer = setInterval(() => {
    if (isLooking) return
    isLooking = true
    look()
      .then(record)
      .catch((error: unknown) => tell(error instanceof Error ? error.message : String(error)))
      .finally(() => (isLooking = false))
  }, LOOK_EVERY_MS).unref()
  started.defer(() => clearInterval(timer))
}
