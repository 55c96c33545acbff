import { publicBytes } from '../../federation/index.ts'
import type { AuditEvent } from '../audit/index.ts'
import { readHubKey } from '../hub-key.ts'
import type { NodeKeys } from '../keys.ts'
import { type OwnHub, delegateRole } from './delegate.ts'
import { type OwnKeyRole, type RoleSigner, readRoleSigner } from './role-keys.ts'

export interface NodeSignersOptions {
  /** Where the keys lie; undefined for a node whose keys live as long as it does. */
  readonly folder: OwnHub['folder'] | undefined
  readonly keys: NodeKeys
  /** Resolves once the event would survive a power cut. */
  readonly record: (event: AuditEvent) => Promise<unknown>
  /** Unix ms. */
  readonly nowMs: () => number
  /** The hub key has signed for one more key of this node. */
  readonly onSigned?: (role: OwnKeyRole) => Promise<void>
}

/**
 * With what a running node signs. A role's key is looked up once it is needed. Where there is none and the hub key lies open
 * beside the node, it is made, and the hub key signs for it; else the operator has to: `key delegate --role`.
 */
export class NodeSigners {
  readonly #o: NodeSignersOptions
  readonly #found = new Map<OwnKeyRole, RoleSigner>()
  readonly #looking = new Map<OwnKeyRole, Promise<RoleSigner | undefined>>()

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
    if (known !== undefined) return known
    const looking = this.#looking.get(role) ?? this.#look(role).finally(() => this.#looking.delete(role))
    this.#looking.set(role, looking)
    return looking
  }

  async #look(role: OwnKeyRole): Promise<RoleSigner | undefined> {
    const { folder, keys } = this.#o
    if (folder === undefined) return undefined
    let signer = await readRoleSigner(folder.keys, role, keys.hubId)
    if (signer === undefined && (await this.#sign(role, folder)))
      signer = await readRoleSigner(folder.keys, role, keys.hubId)
    if (signer !== undefined) this.#found.set(role, signer)
    return signer
  }

  /** Whether the hub key could sign. */
  async #sign(role: OwnKeyRole, folder: OwnHub['folder']): Promise<boolean> {
    const { keys, record, nowMs, onSigned } = this.#o
    const hubKey = await readHubKey(folder.keys)
    if (hubKey === undefined) return false
    await delegateRole({ folder, keys, hubKey, log: { append: record }, nowMs: nowMs() }, role)
    await onSigned?.(role)
    return true
  }
}

/** Members of a statement that say who signs it. */
export const signedAs = ({ secretKey, delegation }: RoleSigner) => ({
  epoch: delegation.statement.epoch,
  hub: delegation.statement.hub,
  key: Buffer.from(publicBytes(secretKey.key)).toString('hex')
})
