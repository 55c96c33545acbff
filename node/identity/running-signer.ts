import { type Delegation, delegate, formatDelegation } from '../../federation/index.ts'
import { type AuditEvent, auditEvent, commitment } from '../audit/index.ts'
import { readHubKey } from '../hub-key.ts'
import { generateMinisign } from '../minisign.ts'
import { notAfter } from './life.ts'
import { readRevoked } from './revoked.ts'
import {
  type OwnKeyRole,
  type RoleSigner,
  addRoleDelegation,
  readRoleDelegations,
  readRoleKey,
  readRoleSigner,
  replaceRoleKey
} from './role-keys.ts'

/** A delegation that ends within this is signed for again while the hub key lies open beside the node. */
export const RENEW_S = 30 * 86_400

export interface RunningSignerOptions {
  /** The folder of keys. */
  readonly folder: string
  readonly hub: string
  readonly node: string
  /** Milliseconds since 1970. */
  readonly nowMs: number
  /** Resolves once the event would survive a power cut. */
  readonly record: (event: AuditEvent) => Promise<unknown>
  /** The hub key has signed for a key. */
  readonly onSigned?: () => Promise<void>
}

/**
 * What a running node signs with in a role. Where the hub key lies open beside it, it signs for a key that has no word of
 * it yet, whose delegation ends soon, or in the place of a revoked one, under an epoch that comes after any that a
 * backup could have forgotten. Undefined while there is no key that is good. @throws SetupError for damaged files
 */
export async function runningSigner(
  role: OwnKeyRole,
  options: RunningSignerOptions
): Promise<RoleSigner | undefined> {
  const { folder, hub, nowMs } = options
  const found = await readRoleSigner(folder, role, hub)
  const revoked = await readRevoked(folder, hub)
  const isRevoked = (key: string): boolean => revoked.some(({ statement }) => statement.key === key)
  const nowS = Math.floor(nowMs / 1000)
  const isGood =
    found !== undefined && isGoodAt(found.delegation, nowS) && !isRevoked(found.delegation.statement.key)
  if (isGood && found.delegation.statement.not_after > nowS + RENEW_S) return found
  const hubKey = await readHubKey(folder)
  if (hubKey === undefined) return isGood ? found : undefined
  const before: readonly Delegation<OwnKeyRole>[] = await readRoleDelegations(folder, role, hub)
  const present = await readRoleKey(folder, role)
  const kept = present !== undefined && !isRevoked(hex(present.publicKey)) ? present : undefined
  const made = kept === undefined ? generateMinisign() : undefined
  const secretKey = kept ?? made!.secretKey
  const delegation = delegate<OwnKeyRole>(hubKey.key, {
    hub,
    node: options.node,
    role,
    key: hex(secretKey.publicKey),
    not_before: nowS,
    not_after: notAfter(nowS),
    epoch: Math.max((before.at(-1)?.statement.epoch ?? 0) + 1, nowS)
  } as never)
  await options.record(delegationEvent(delegation))
  await addRoleDelegation(folder, before, delegation)
  if (made !== undefined) await replaceRoleKey(folder, role, made.text)
  await options.onSigned?.()
  return { secretKey, delegation }
}

/**
 * The hub key's words for the keys of a role of this node, as lines by epoch, but for those of keys that were revoked; those that
 * have ended are there, as what was signed in their time stays good. @throws SetupError for damaged files
 */
export async function goodDelegations(
  folder: string,
  role: OwnKeyRole,
  hub: string
): Promise<readonly string[]> {
  const revoked = new Set((await readRevoked(folder, hub)).map(({ statement }) => statement.key))
  const all: readonly Delegation<OwnKeyRole>[] = await readRoleDelegations(folder, role, hub)
  return all
    .filter(({ statement }) => !revoked.has(statement.key))
    .map(one => formatDelegation(one).trimEnd())
}

const isGoodAt = ({ statement }: Delegation<OwnKeyRole>, nowS: number): boolean =>
  statement.not_before <= nowS && nowS < statement.not_after

function delegationEvent({ statement }: Delegation<OwnKeyRole>): AuditEvent {
  const { role, epoch, node, not_after, key } = statement
  return auditEvent('delegation', 'node', {
    role,
    epoch,
    key_sha256: commitment(key),
    node_sha256: commitment(node),
    not_after_s: not_after
  })
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
