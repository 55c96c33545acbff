import { existsSync } from 'node:fs'
import { join } from 'node:path'
import {
  type Delegation,
  type DelegationStatement,
  type Role,
  delegate,
  delegatedKey,
  isUsablePublicKey,
  peerPublicKey
} from '../../federation/index.ts'
import { addLogDelegation, logPaths, readLogIdentity } from '../audit/index.ts'
import { openCapabilityFolder } from '../capabilities/folder.ts'
import { generateMinisign } from '../minisign.ts'
import { SetupError } from '../setup-error.ts'
import { type Life, nextEpoch, notAfter } from './life.ts'
import { renewLink } from './link-key.ts'
import { addDelegationOfOther, readDelegationsOfOthers, refuseTooMany } from './others.ts'
import {
  KEPT_ROLES,
  type KeptRole,
  type OwnKeyRole,
  addRoleDelegation,
  ensureRoleKey,
  readRoleDelegations,
  replaceRoleKey
} from './role-keys.ts'
import { refuseRevoked } from './revoked.ts'
import { type StoppedKeys, recordDelegation } from './stopped-keys.ts'

/**
 * The hub's word for this node's key of a role, under the next epoch; a key that is not there yet is made. Resolves once
 * that would survive a power cut.
 * @throws SetupError `failed` for `revocation` once it is signed for: its key is replaced, not signed for again
 */
export async function delegateOwn(hub: StoppedKeys, role: Role, life: Life = {}): Promise<Delegation<Role>> {
  if (role === 'link') return renewLink(hub, life)
  if (role === 'revocation') return delegateRevocation(hub)
  return delegateKept(hub, role, life)
}

/** Whose key the hub speaks for, on another node. */
export interface OtherKey extends Life {
  readonly node: string
  /** A peer id for `link`, the Ed25519 public key in hex for every other role. */
  readonly key: string
}

/**
 * The hub's word for a key of another of its nodes, for that node to keep. Durable as `delegateOwn`.
 * @throws SetupError `failed` when two nodes would share a key, `usage` for what is no key or names this node
 */
export async function delegateOther(
  hub: StoppedKeys,
  role: Role,
  { node, key, ...life }: OtherKey
): Promise<Delegation<Role>> {
  const own = hub.keys.delegation.statement.node
  if (node === own)
    throw new SetupError(
      'usage',
      `--node ${node}: is this node, which signs for its own keys: leave --node out`
    )
  checkKey(role, key)
  const others = await readDelegationsOfOthers(hub.folder.keys, hub.keys.hubId)
  const owner = await ownerOf(hub, role, key, others)
  if (owner !== undefined && owner !== node)
    throw new SetupError(
      'failed',
      `${key}: is the key of node ${owner}, and two nodes never share one: make a key on ${node} and give that`
    )
  const epochs = others
    .filter(({ statement }) => statement.node === node && statement.role === role)
    .map(({ statement }) => statement.epoch)
  await refuseRevoked(hub, keyHex(role, key), `make another on ${node}`)
  refuseTooMany(hub.folder.keys, others)
  const delegation = sign(hub, { role, node, key, life, last: Math.max(0, ...epochs) })
  await recordDelegation(hub, delegation)
  await addDelegationOfOther(hub.folder.keys, others, delegation)
  return delegation
}

async function delegateKept<R extends KeptRole>(
  hub: StoppedKeys,
  role: R,
  life: Life
): Promise<Delegation<Role>> {
  const folder = hub.folder.keys
  const before = await readRoleDelegations(folder, role, hub.keys.hubId)
  const key = await publicKeyOf(hub, role)
  await refuseRevoked(hub, key, `put another in its place: key rotate --role ${role}`)
  const last = before.at(-1)?.statement.epoch ?? 0
  const delegation = sign(hub, { role, node: hub.keys.delegation.statement.node, key, life, last })
  await recordDelegation(hub, delegation)
  await addRoleDelegation(folder, before, delegation as Delegation<R>)
  return delegation
}

/**
 * Puts a new key of a role in the place of the one before, with the hub's word for it. Durable as `delegateOwn`; a crash
 * leaves the old key or the new one, each with its delegation.
 */
export async function rotateRoleKey(
  hub: StoppedKeys,
  role: OwnKeyRole,
  life: Life = {}
): Promise<Delegation<Role>> {
  const folder = hub.folder.keys
  const before = await readRoleDelegations(folder, role, hub.keys.hubId)
  const { secretKey, text } = generateMinisign()
  const node = hub.keys.delegation.statement.node
  const last = before.at(-1)?.statement.epoch ?? 0
  const delegation = sign(hub, { role, node, key: hex(secretKey.publicKey), life, last })
  await recordDelegation(hub, delegation)
  await addRoleDelegation(folder, before, delegation as Delegation<OwnKeyRole>)
  await replaceRoleKey(folder, role, text)
  return delegation
}

/** Of the key that signs for a role here, in hex. The log's has the hub key's word in the log's own form too. */
async function publicKeyOf({ folder, hubKey, nowMs }: StoppedKeys, role: KeptRole): Promise<string> {
  if (role !== 'log') return hex((await ensureRoleKey(folder.keys, role satisfies OwnKeyRole)).publicKey)
  const log = join(folder.folder, 'audit')
  if (!existsSync(logPaths(log).delegation)) await addLogDelegation(log, { hubKey: hubKey.key, nowMs })
  return hex((await readLogIdentity(log)).secretKey.publicKey)
}

async function delegateRevocation(hub: StoppedKeys): Promise<Delegation<Role>> {
  const { folder, keys, hubKey, nowMs } = hub
  const path = join(folder.folder, 'capabilities')
  const isSigned = existsSync(join(path, 'revocation-delegation.json'))
  const { signing } = await openCapabilityFolder(path, {
    hub: keys.hubId,
    nodeName: keys.delegation.statement.node,
    hubKey: async () => hubKey,
    now: nowMs
  })
  const delegation = signing.delegations.at(-1)!
  if (isSigned)
    throw new SetupError(
      'failed',
      'the hub key has signed for the key of revocations already; put a new one in its place with cap rotate --revocation-key'
    )
  await recordDelegation(hub, delegation)
  return delegation
}

interface ToSign {
  readonly role: Role
  readonly node: string
  readonly key: string
  readonly life: Life
  /** The last epoch that is known. */
  readonly last: number
}

function sign(
  { keys, hubKey, nowMs }: StoppedKeys,
  { role, node, key, life, last }: ToSign
): Delegation<Role> {
  const nowS = Math.floor(nowMs / 1000)
  const common = {
    hub: keys.hubId,
    node,
    not_before: nowS,
    not_after: notAfter(nowS, life.days),
    epoch: nextEpoch(last, life)
  }
  const statement = role === 'link' ? { ...common, role, peer_id: key } : { ...common, role, key }
  return delegate<Role>(hubKey.key, statement as DelegationStatement)
}

function checkKey(role: Role, key: string): void {
  const isLink = role === 'link'
  const isKey = isLink
    ? peerPublicKey(key) !== undefined
    : /^[0-9a-f]{64}$/.test(key) && isUsablePublicKey(Buffer.from(key, 'hex'))
  if (isKey) return
  const [option, what] = isLink
    ? ['peer', 'the peer id of an Ed25519 key']
    : ['key', 'an Ed25519 public key in hex']
  throw new SetupError('usage', `--${option}: not ${what}`)
}

/** The node that a key was signed for, if any, in whatever role. */
async function ownerOf(
  { keys, folder }: StoppedKeys,
  role: Role,
  key: string,
  others: readonly Delegation<Role>[]
): Promise<string | undefined> {
  const wanted = keyHex(role, key)
  const own = [...keys.delegations, ...(await ownKeys(folder.keys, keys.hubId))]
  return [...own, ...others].find(({ statement }) => hex(delegatedKey(statement) ?? []) === wanted)?.statement
    .node
}

async function ownKeys(folder: string, hub: string): Promise<readonly Delegation<Role>[]> {
  const found = await Promise.all(KEPT_ROLES.map(role => readRoleDelegations(folder, role, hub)))
  return found.flat()
}

/** A key as it was given for a role, in hex. */
const keyHex = (role: Role, key: string): string => (role === 'link' ? hex(peerPublicKey(key) ?? []) : key)

const hex = (bytes: Uint8Array | readonly number[]): string => Buffer.from(bytes).toString('hex')
