import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import type { Ed25519PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import {
  type Delegation,
  delegate,
  delegationProblem,
  formatDelegation,
  hubId,
  parseDelegation
} from '../federation/index.ts'
import { createFolder, readBoundedFile, readSecretFile } from './durable-file.ts'
import {
  formatPublicKey,
  generateMinisign,
  isPasswordProtected,
  keyIdText,
  parsePublicKey,
  parseSecretKey
} from './minisign.ts'
import { ownCommand } from './own-command.ts'
import { SetupError } from './setup-error.ts'

const MAX_KEY_FILE_BYTES = 8192
// As long as a node key is meant to live; a new node key gets a delegation of its own.
const DELEGATION_S = 10 * 365 * 24 * 3600

const FILES = {
  hubKey: 'hub.key',
  hubPub: 'hub.pub',
  nodeKey: 'node.key',
  delegation: 'delegation.json'
} as const

export interface NodeKeys {
  readonly hubId: string
  /** minisign's key id of the hub key, for people. */
  readonly hubKeyId: string
  readonly hubPublicKey: Uint8Array
  readonly nodeKey: Ed25519PrivateKey
  readonly peerId: string
  /** The hub's word for this node, verified. */
  readonly delegation: Delegation
  /** Whether the hub key lies here too; it is never kept in memory. */
  readonly hasHubKey: boolean
}

/**
 * Makes a hub key, a node key and the delegation of one to the other in a new folder, all or nothing; its parent must
 * exist. Resolves once they would survive a power cut.
 * @throws SetupError `cannotCreate` when the folder has anything in it.
 */
export async function initKeys(
  folder: string,
  { nodeName, nowMs }: { readonly nodeName: string; readonly nowMs: number }
): Promise<NodeKeys> {
  const hub = generateMinisign()
  const nodeKey = await generateKeyPair('Ed25519')
  const nowS = Math.floor(nowMs / 1000)
  const delegation = delegate(hub.secretKey.key, {
    hub: hubId(hub.secretKey.publicKey),
    node: nodeName,
    role: 'link',
    peer_id: peerIdFromPrivateKey(nodeKey).toString(),
    not_before: nowS,
    not_after: nowS + DELEGATION_S,
    epoch: 1
  })
  await createFolder(folder, {
    [FILES.hubKey]: hub.text,
    [FILES.hubPub]: formatPublicKey(hub.secretKey),
    [FILES.nodeKey]: `${Buffer.from(privateKeyToProtobuf(nodeKey)).toString('base64')}\n`,
    [FILES.delegation]: formatDelegation(delegation)
  })
  return loadKeys(folder, { nowMs })
}

/**
 * The keys of a folder, each checked against the others. The hub key itself may be absent (kept
 * offline) or protected by a password.
 * @throws SetupError `permission` when others may read a key (names the file and the chmod), `badInput` when one is
 * damaged, does not belong to the others or has expired, `noInput` when one is missing.
 */
export async function loadKeys(folder: string, { nowMs }: { readonly nowMs: number }): Promise<NodeKeys> {
  const paths = Object.fromEntries(Object.entries(FILES).map(([key, name]) => [key, join(folder, name)])) as {
    readonly [K in keyof typeof FILES]: string
  }
  if (!existsSync(folder)) {
    throw new SetupError(
      'noInput',
      `${folder}: no keys here; make them with: ${ownCommand('init', '--data', dirname(folder))}`
    )
  }
  const hub = await readKey(paths.hubPub, 'public', parsePublicKey)
  const hasHubKey = existsSync(paths.hubKey)
  if (hasHubKey) await checkHubKey(paths.hubKey, hub.publicKey)
  const nodeKey = await readKey(paths.nodeKey, 'secret', parseNodeKey)
  const delegation = await readKey(paths.delegation, 'public', parseDelegation)
  const peerId = peerIdFromPrivateKey(nodeKey).toString()
  const id = hubId(hub.publicKey)
  const problem = mismatch(delegation, id, peerId) ?? delegationProblem(delegation, Math.floor(nowMs / 1000))
  if (problem !== undefined) throw new SetupError('badInput', `${paths.delegation}: ${problem}`)
  return {
    hubId: id,
    hubKeyId: keyIdText(hub.keyId),
    hubPublicKey: hub.publicKey,
    nodeKey,
    peerId,
    delegation,
    hasHubKey
  }
}

async function readKey<T>(path: string, kind: 'public' | 'secret', parse: (text: string) => T): Promise<T> {
  const read = kind === 'secret' ? readSecretFile : readBoundedFile
  if (!existsSync(path)) throw new SetupError('noInput', `${path}: does not exist; restore it from a backup`)
  const text = await read(path, { maxBytes: MAX_KEY_FILE_BYTES })
  try {
    return parse(text)
  } catch (error) {
    // A parser's message may quote its input, so a secret's is dropped.
    const detail = kind === 'public' && error instanceof Error ? ` (${error.message})` : ''
    throw new SetupError('badInput', `${path}: damaged${detail}; restore it from a backup`)
  }
}

async function checkHubKey(path: string, publicKey: Uint8Array): Promise<void> {
  const secret = await readKey(path, 'secret', text =>
    isPasswordProtected(text) ? undefined : parseSecretKey(text)
  )
  if (secret === undefined || Buffer.compare(secret.publicKey, publicKey) === 0) return
  throw new SetupError(
    'badInput',
    `${path}: does not belong to hub.pub beside it; restore the pair from a backup`
  )
}

function parseNodeKey(text: string): Ed25519PrivateKey {
  const encoded = text.replace(/\n$/, '')
  const bytes = Buffer.from(encoded, 'base64')
  if (bytes.toString('base64') !== encoded) throw new SyntaxError('not base64')
  const key = privateKeyFromProtobuf(bytes)
  if (key.type !== 'Ed25519') throw new SyntaxError('not an Ed25519 key')
  return key
}

function mismatch({ statement }: Delegation, hub: string, peerId: string): string | undefined {
  if (statement.hub !== hub)
    return `made by hub ${statement.hub}, but hub.pub is ${hub}; restore the keys that belong together`
  if (statement.peer_id !== peerId)
    return `made for peer ${statement.peer_id}, but node.key is ${peerId}; restore the keys that belong together`
  return undefined
}
