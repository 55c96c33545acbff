import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import type { Ed25519PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { type Delegation, delegate, hubId } from '../federation/index.ts'
import { createFolder, readBoundedFile, readSecretFile } from './durable-file.ts'
import type { HubKeyPlace } from './hub-key.ts'
import {
  MAX_DELEGATIONS_BYTES,
  formatLinkDelegations,
  linkProblem,
  outOfTime,
  parseLinkDelegations
} from './link-delegations.ts'
import {
  formatPublicKey,
  generateMinisign,
  isPasswordProtected,
  keyIdText,
  parsePublicKey,
  parseSecretKey,
  publicKeyLine
} from './minisign.ts'
import { ownCommand } from './own-command.ts'
import { SetupError } from './setup-error.ts'

const MAX_KEY_FILE_BYTES = 8192
// As long as a node key is meant to live; a new node key gets a delegation of its own.
export const DELEGATION_S = 10 * 365 * 24 * 3600

/** The names of what lies in a folder of keys. */
export const KEY_FILES = {
  hubKey: 'hub.key',
  hubPub: 'hub.pub',
  nodeKey: 'node.key',
  delegation: 'delegation.json'
} as const

export interface NodeKeys {
  readonly hubId: string
  /** minisign's key id of the hub key, for people. */
  readonly hubKeyId: string
  /** The hub's public key as `minisign -P` takes it. */
  readonly minisignKey: string
  readonly hubPublicKey: Uint8Array
  readonly nodeKey: Ed25519PrivateKey
  readonly peerId: string
  /** The hub's word for this node, verified. */
  readonly delegation: Delegation
  /** With those for the keys that the node had before, by epoch; each verified, its time not judged. */
  readonly delegations: readonly Delegation[]
  /** The greatest epoch that the hub key has signed for this node here. */
  readonly lastEpoch: number
  /** Whether the hub key lies here too; it is never kept in memory. */
  readonly hubKey: HubKeyPlace
}

export interface KeysAt {
  /** Milliseconds since 1970. */
  readonly nowMs: number
  /** Takes a delegation whose time has not come or is over, for commands that show or renew it. */
  readonly atAnyTime?: boolean
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
    [KEY_FILES.hubKey]: hub.text,
    [KEY_FILES.hubPub]: formatPublicKey(hub.secretKey),
    [KEY_FILES.nodeKey]: `${Buffer.from(privateKeyToProtobuf(nodeKey)).toString('base64')}\n`,
    [KEY_FILES.delegation]: formatLinkDelegations([delegation])
  })
  return loadKeys(folder, { nowMs })
}

/**
 * The keys of a folder, each checked against the others. The hub key itself may be absent (kept
 * offline) or protected by a password.
 * @throws SetupError `permission` when others may read a key (names the file and the chmod), `badInput` when one is
 * damaged, does not belong to the others or has expired, `noInput` when one is missing.
 */
export async function loadKeys(folder: string, { nowMs, atAnyTime = false }: KeysAt): Promise<NodeKeys> {
  const paths = Object.fromEntries(
    Object.entries(KEY_FILES).map(([key, name]) => [key, join(folder, name)])
  ) as {
    readonly [K in keyof typeof KEY_FILES]: string
  }
  if (!existsSync(folder)) {
    throw new SetupError(
      'noInput',
      `${folder}: no keys here; make them with: ${ownCommand('init', '--data', dirname(folder))}`
    )
  }
  const hub = await readKey(paths.hubPub, 'public', parsePublicKey)
  const hubKey = existsSync(paths.hubKey) ? await checkHubKey(paths.hubKey, hub.publicKey) : 'elsewhere'
  const nodeKey = await readKey(paths.nodeKey, 'secret', parseNodeKey)
  const peerId = peerIdFromPrivateKey(nodeKey).toString()
  const links = await readKey(
    paths.delegation,
    'public',
    text => parseLinkDelegations(text, peerId),
    MAX_DELEGATIONS_BYTES
  )
  const delegation = links.all.at(-1)!
  const id = hubId(hub.publicKey)
  const late = atAnyTime ? undefined : outOfTime(delegation, Math.floor(nowMs / 1000), dirname(folder))
  const problem = linkProblem(links, { hub: id, peerId }) ?? late
  if (problem !== undefined) throw new SetupError('badInput', `${paths.delegation}: ${problem}`)
  return {
    hubId: id,
    hubKeyId: keyIdText(hub.keyId),
    minisignKey: publicKeyLine(hub),
    hubPublicKey: hub.publicKey,
    nodeKey,
    peerId,
    delegation,
    delegations: links.all,
    lastEpoch: links.lastEpoch,
    hubKey
  }
}

async function readKey<T>(
  path: string,
  kind: 'public' | 'secret',
  parse: (text: string) => T,
  maxBytes = MAX_KEY_FILE_BYTES
): Promise<T> {
  const read = kind === 'secret' ? readSecretFile : readBoundedFile
  if (!existsSync(path)) throw new SetupError('noInput', `${path}: does not exist; restore it from a backup`)
  const text = await read(path, { maxBytes })
  try {
    return parse(text)
  } catch (error) {
    // A parser's message may quote its input, so a secret's is dropped.
    const detail = kind === 'public' && error instanceof Error ? ` (${error.message})` : ''
    throw new SetupError('badInput', `${path}: damaged${detail}; restore it from a backup`)
  }
}

async function checkHubKey(path: string, publicKey: Uint8Array): Promise<HubKeyPlace> {
  const secret = await readKey(path, 'secret', text =>
    isPasswordProtected(text) ? undefined : parseSecretKey(text)
  )
  if (secret === undefined) return 'locked'
  if (Buffer.compare(secret.publicKey, publicKey) === 0) return 'here'
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
