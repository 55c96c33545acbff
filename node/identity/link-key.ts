import { generateKeyPair, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { type Delegation, delegate, peerPublicKey } from '../../federation/index.ts'
import { replaceFile } from '../durable-file.ts'
import { type NodeKeys, loadKeys } from '../keys.ts'
import { formatLinkDelegations } from '../link-delegations.ts'
import { type Life, nextEpoch, notAfter } from './life.ts'
import { refuseRevoked } from './revoked.ts'
import { type StoppedKeys, keyFile, recordDelegation } from './stopped-keys.ts'

export interface Rotated {
  readonly before: Delegation
  readonly now: Delegation
}

/**
 * Gives a stopped node a new key, and so a new peer id, with the hub's word for it under the next epoch; what was signed
 * with the one before stays what it is. Resolves once that would survive a power cut; a crash leaves the old key or the
 * new one, each with its delegation.
 * @throws RangeError for days out of bounds, SetupError `usage` for an epoch that is over
 */
export async function rotateNodeKey(hub: StoppedKeys, life: Life = {}): Promise<Rotated> {
  const keys = await keysNow(hub)
  const nodeKey = await generateKeyPair('Ed25519')
  const now = signLink(hub, keys, peerIdFromPrivateKey(nodeKey).toString(), life)
  await recordDelegation(hub, now)
  // In this order: a delegation without its key is passed over at the next start.
  await writeLinks(hub, keys, now)
  await replaceFile(
    keyFile(hub, 'nodeKey'),
    `${Buffer.from(privateKeyToProtobuf(nodeKey)).toString('base64')}\n`
  )
  return { before: keys.delegation, now }
}

/** The hub's word for the key that the node has, under the next epoch. Durable as `rotateNodeKey`. */
export async function renewLink(hub: StoppedKeys, life: Life = {}): Promise<Delegation> {
  const keys = await keysNow(hub)
  await refuseRevoked(hub, hexOf(keys.peerId), 'give the node another: key rotate')
  const delegation = signLink(hub, keys, keys.peerId, life)
  await recordDelegation(hub, delegation)
  await writeLinks(hub, keys, delegation)
  return delegation
}

function signLink({ hubKey, nowMs }: StoppedKeys, keys: NodeKeys, peerId: string, life: Life): Delegation {
  const nowS = Math.floor(nowMs / 1000)
  return delegate<'link'>(hubKey.key, {
    hub: keys.hubId,
    node: keys.delegation.statement.node,
    role: 'link',
    peer_id: peerId,
    not_before: nowS,
    not_after: notAfter(nowS, life.days),
    epoch: nextEpoch(keys.lastEpoch, life)
  })
}

/** An earlier change may have been made with the same `hub`. */
const keysNow = ({ folder, nowMs }: StoppedKeys): Promise<NodeKeys> =>
  loadKeys(folder.keys, { nowMs, atAnyTime: true })

const writeLinks = (hub: StoppedKeys, { delegations }: NodeKeys, newest: Delegation): Promise<void> =>
  replaceFile(keyFile(hub, 'delegation'), formatLinkDelegations([...delegations, newest]))

const hexOf = (peerId: string): string => Buffer.from(peerPublicKey(peerId) ?? []).toString('hex')
