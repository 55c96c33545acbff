import { publicBytes } from '../../federation/index.ts'
import type { AuditEvent } from '../audit/index.ts'
import type { NodeKeys } from '../keys.ts'
import type { OwnKeyRole, RoleSigner } from './role-keys.ts'
import { RENEW_S, runningSigner } from './running-signer.ts'

export interface NodeSignersOptions {
  /** Where the keys lie; undefined for a node whose keys live as long as it does. */
  readonly folder: { readonly keys: string } | undefined
  readonly keys: NodeKeys
  /** Resolves once the event would survive a power cut. */
  readonly record: (event: AuditEvent) => Promise<unknown>
  /** Unix ms. */
  readonly nowMs: () => number
  /** The hub key has signed for one more key of this node. */
  readonly onSigned?: (role: OwnKeyRole) => Promise<void>
}

/**
 * With what a running node signs. A role's key is looked up once it is needed, and again once its delegation ends soon.
 * Where there is none that is good and the hub key lies open beside the node, it is made, and the hub key signs for it;
 * else the operator has to: `key delegate --role`.
 */
export class NodeSigners {
  readonly #o: NodeSignersOptions
  readonly #found = new Map<OwnKeyRole, RoleSigner>()
  readonly #looking = new Map<OwnKeyRole, Promise<RoleSigner | undefined>>()
  #revocations = 0

  constructor(options: NodeSignersOptions) {
    this.#o = options
  }

  /** What was found before; asks nobody. */
  known(role: OwnKeyRole): RoleSigner | undefined {
    return this.#found.get(role)
  }

  /** Undefined where the hub key has signed for none, and cannot now. @throws SetupError for damaged keys */
  async of(role: OwnKeyRole): Promise<RoleSigner | undefined> {
    const known = this.#found.get(role)
    if (known !== undefined && this.#lastsLong(known)) return known
    const looking = this.#looking.get(role) ?? this.#look(role).finally(() => this.#looking.delete(role))
    this.#looking.set(role, looking)
    return looking
  }

  /** The hub key has revoked a key: all are looked up again. */
  forget(): void {
    this.#revocations++
    this.#found.clear()
  }

  async #look(role: OwnKeyRole): Promise<RoleSigner | undefined> {
    const { folder, keys, record, nowMs, onSigned } = this.#o
    if (folder === undefined) return undefined
    const revocations = this.#revocations
    const signer = await runningSigner(role, {
      folder: folder.keys,
      hub: keys.hubId,
      node: keys.delegation.statement.node,
      nowMs: nowMs(),
      record,
      ...(onSigned && { onSigned: () => onSigned(role) })
    })
    if (signer === undefined) this.#found.delete(role)
    else if (revocations === this.#revocations) this.#found.set(role, signer)
    return signer
  }

  #lastsLong({ delegation }: RoleSigner): boolean {
    return delegation.statement.not_after > Math.floor(this.#o.nowMs() / 1000) + RENEW_S
  }
}

/** Members of a statement that say who signs it. */
export const signedAs = ({ secretKey, delegation }: RoleSigner) => ({
  epoch: delegation.statement.epoch,
  hub: delegation.statement.hub,
  key: Buffer.from(publicBytes(secretKey.key)).toString('hex')
})
