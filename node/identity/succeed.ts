import { existsSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type Delegation,
  type Role,
  type Succession,
  delegate,
  formatDelegation,
  formatSuccession,
  hubId,
  peerPublicKey,
  succeed
} from '../../federation/index.ts'
import { AuditLog, auditEvent, createLogFolder, parseOrigin } from '../audit/index.ts'
import { openCapabilityFolder } from '../capabilities/folder.ts'
import { formatRing, openKeyRing } from '../capabilities/key-ring-file.ts'
import { newRing } from '../capabilities/key-ring.ts'
import { createFile, readSecretFile, replaceFile, syncFolder, unfinishedPath } from '../durable-file.ts'
import { formatLinkDelegations } from '../link-delegations.ts'
import { type MinisignSecretFile, type MinisignSecretKey, formatPublicKey } from '../minisign.ts'
import { SetupError } from '../setup-error.ts'
import { commitSuccession, finishSuccession, formatPlan, planFile } from '../succession-switch.ts'
import { DELEGATION_S, KEY_FILES } from '../keys.ts'
import { readDelegationsOfOthers } from './others.ts'
import { readRevoked, refuseRevoked } from './revoked.ts'
import { OWN_KEY_ROLES, readRoleDelegations, readRoleKey } from './role-keys.ts'
import type { StoppedKeys } from './stopped-keys.ts'
import { readSuccessions, SUCCESSIONS_FILE } from './successions.ts'

const MAX_KEY_BYTES = 8192

export interface NextHub {
  /** The key that the hub goes on under. */
  readonly next: MinisignSecretFile
  /** Whether its secret half is to lie in the data folder; else it is kept elsewhere. */
  readonly isKept: boolean
  /** For people; one line of at most 256 bytes, may be empty. */
  readonly reason?: string
}

export interface Succeeded {
  readonly succession: Succession
  /** Nodes of the hub whose keys lie elsewhere: the new key must sign for them. */
  readonly nodesElsewhere: readonly string[]
}

/**
 * Ends a stopped hub and has it go on under another key, by the word of both: with the same node key, new keys for
 * revocations and tokens, and an audit log of its own; what it had before is put aside. No token of before is good, and
 * each peer's operator must confirm. Resolves once that would survive a power cut; a crash leaves the old hub or the new.
 * `hub` is closed by it.
 * @throws SetupError `usage` when the key is the hub's own
 */
export async function succeedHub(hub: StoppedKeys, next: NextHub): Promise<Succeeded> {
  const succeeded = await prepareSuccession(hub, next)
  await finishSuccession(hub.folder.folder)
  return succeeded
}

/** All but the last: from its end on, opening the data folder finishes it. */
export async function prepareSuccession(hub: StoppedKeys, next: NextHub): Promise<Succeeded> {
  const { folder, keys, hubKey, nowMs } = hub
  const successor = hubId(next.next.secretKey.publicKey)
  if (successor === keys.hubId)
    throw new SetupError('usage', `hub ${keys.hubId} cannot succeed itself: give another key`)
  const succession = succeed(
    { hub: hubKey.key, successor: next.next.secretKey.key },
    { at: Math.floor(nowMs / 1000), hub: keys.hubId, reason: next.reason ?? '', successor }
  )
  await refuseRevoked(hub, keyHex(keys.peerId), 'give the node another before: key rotate')
  const before = await endLog(hub, successor)
  const prepared = unfinishedPath(join(folder.folder, 'succession'))
  await mkdir(prepared, { mode: 0o700 })
  try {
    await prepareKeys(hub, next, succession, join(prepared, 'keys'))
    await prepareCapabilities(hub, next, join(prepared, 'capabilities'))
    await beginLog(hub, next, before, join(prepared, 'audit'))
    await createFile(
      join(prepared, planFile),
      formatPlan({ hub: keys.hubId, logId: parseOrigin(before.origin)!.logId })
    )
    await commitSuccession(folder.folder, prepared)
  } catch (error) {
    await rm(prepared, { recursive: true, force: true })
    throw error
  }
  const others = await readDelegationsOfOthers(join(folder.folder, 'keys'), keys.hubId)
  return { succession, nodesElsewhere: [...new Set(others.map(({ statement }) => statement.node))] }
}

interface LogBefore {
  readonly origin: string
  readonly size: number
  /** In hex. */
  readonly root: string
}

/** The last entry of the hub that ends, and what its log is after that. */
async function endLog({ keys, log }: StoppedKeys, successor: string): Promise<LogBefore> {
  await log.append(auditEvent('succession', 'local', { hub: keys.hubId, successor }))
  const [origin = '', size, root = ''] = (await log.checkpoint()).split('\n')
  await log.close()
  return { origin, size: Number(size), root: Buffer.from(root, 'base64').toString('hex') }
}

async function beginLog(
  { keys, nowMs }: StoppedKeys,
  { next }: NextHub,
  before: LogBefore,
  folder: string
): Promise<void> {
  const successor = hubId(next.secretKey.publicKey)
  const nodeName = keys.delegation.statement.node
  await createLogFolder(folder, { hubId: successor, nodeName, nowMs, hubKey: next.secretKey.key })
  await using log = await AuditLog.open(folder)
  await log.append(auditEvent('succession', 'local', { hub: keys.hubId, successor, ...before }))
}

/** No token of the hub that ends is good under these, and none of its revocations is needed. */
async function prepareCapabilities(hub: StoppedKeys, { next }: NextHub, folder: string): Promise<void> {
  const { keys, nowMs } = hub
  const old = join(hub.folder.folder, 'capabilities', 'root-keys.json')
  await openCapabilityFolder(folder, {
    hub: hubId(next.secretKey.publicKey),
    nodeName: keys.delegation.statement.node,
    hubKey: async () => next.secretKey,
    now: nowMs
  })
  if (!existsSync(old)) return
  const { current } = await openKeyRing(old, nowMs)
  // The list of what was minted tells keys apart by their numbers.
  const ring = newRing()
  const text = formatRing({ ...ring, current: { ...ring.current, kid: current + 1 } })
  await replaceFile(join(folder, 'root-keys.json'), text)
}

async function prepareKeys(
  hub: StoppedKeys,
  { next, isKept }: NextHub,
  succession: Succession,
  folder: string
): Promise<void> {
  const { keys } = hub
  const nodeKey = await readSecretFile(join(hub.folder.keys, KEY_FILES.nodeKey), { maxBytes: MAX_KEY_BYTES })
  const known = [...(await readSuccessions(hub.folder.keys)), succession]
  const link = signed<'link'>(hub, next.secretKey, { role: 'link', peer_id: keys.peerId })
  const files: Record<string, string> = {
    [KEY_FILES.hubPub]: formatPublicKey(next.secretKey),
    ...(isKept && { [KEY_FILES.hubKey]: next.text }),
    [KEY_FILES.nodeKey]: nodeKey,
    [KEY_FILES.delegation]: formatLinkDelegations([link]),
    [SUCCESSIONS_FILE]: known.map(one => `${formatSuccession(one)}\n`).join(''),
    ...(await roleFiles(hub, next.secretKey))
  }
  await mkdir(folder, { mode: 0o700 })
  for (const [name, text] of Object.entries(files)) await createFile(join(folder, name), text)
  await syncFolder(folder)
}

/** The keys of other roles, with the new hub's word for each that the old one has spoken for. */
async function roleFiles(hub: StoppedKeys, hubKey: MinisignSecretKey): Promise<Record<string, string>> {
  const files: Record<string, string> = {}
  const revoked = await readRevoked(hub.folder.keys, hub.keys.hubId)
  for (const role of OWN_KEY_ROLES) {
    const found = await readRoleKey(hub.folder.keys, role)
    const key = found && Buffer.from(found.publicKey).toString('hex')
    if (key === undefined || revoked.some(({ statement }) => statement.key === key)) continue
    const path = join(hub.folder.keys, `${role}.key`)
    files[`${role}.key`] = await readSecretFile(path, { maxBytes: MAX_KEY_BYTES })
    const delegations = await readRoleDelegations(hub.folder.keys, role, hub.keys.hubId)
    if (delegations.length === 0) continue
    files[`${role}.json`] = formatDelegation(signed<typeof role>(hub, hubKey, { role, key }))
  }
  return files
}

function signed<R extends Role>(
  { keys, nowMs }: StoppedKeys,
  hubKey: MinisignSecretKey,
  what: { readonly role: R } & ({ readonly key: string } | { readonly peer_id: string })
): Delegation<R> {
  const nowS = Math.floor(nowMs / 1000)
  return delegate<R>(hubKey.key, {
    ...what,
    hub: hubId(hubKey.publicKey),
    node: keys.delegation.statement.node,
    not_before: nowS,
    not_after: nowS + DELEGATION_S,
    epoch: 1
  } as never)
}

const keyHex = (peerId: string): string => Buffer.from(peerPublicKey(peerId) ?? []).toString('hex')
