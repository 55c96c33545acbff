import { randomBytes } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import type { TestContext } from 'node:test'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Connection, Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { LEAST_TREATY, delegate, grantOf, hubId, publicBytes, signingKey } from '../../federation/index.ts'
import type { Facts, LinkStatement, Moment, Outcome, Party } from '../../federation/index.ts'
import { OAP_PROTOCOL, federationService } from '../../protocols/index.ts'
import type { Client, ConnectionCaller } from '../../protocols/index.ts'
import { createTransport } from '../../transport/index.ts'
import { endings } from '../endings.fixture.ts'
import type { NodeKeys } from '../keys.ts'
import { shakeHands } from './initiating.ts'
import { newNonce, partyOf, thisMoment } from './party.ts'
import { callsTo } from './peer-calls.ts'

/** A connection of a bare peer. */
export interface BareConnection {
  readonly connection: Connection
  readonly caller: ConnectionCaller
  readonly federation: Client<(typeof federationService)['operations']>
  /** Shakes hands as the initiator, for `hub`. */
  readonly shake: (hub: string, secret?: Uint8Array) => Promise<Outcome>
}

export interface BarePeer {
  /** Its hub id. */
  readonly hub: string
  readonly party: Party
  dial(address: string): Promise<BareConnection>
}

export interface BarePeerOptions {
  /** What the delegation of its hub says otherwise. */
  readonly delegation?: Partial<LinkStatement>
  readonly federation?: string
  /** The key of its hub, for two nodes of one hub. */
  readonly hubKey?: KeyObject
  /** How far its clock is ahead. */
  readonly aheadS?: number
  /** What its hub grants at the moment of a handshake; nothing without it. */
  readonly treaty?: () => Facts['treaty']
  /** Gets the streams of calls to it; without it there is nobody to take them. */
  readonly onStream?: (stream: Stream) => void
}

const FACTS: Facts = {
  revocation_seq: 0,
  treaty: grantOf(LEAST_TREATY) as unknown as Facts['treaty']
}

/** A node of a hub of its own that serves nothing, allows every hub, and does as the test says. */
export async function barePeer(
  t: TestContext,
  {
    delegation = {},
    federation = 'main',
    hubKey = signingKey(randomBytes(32)),
    aheadS = 0,
    treaty,
    onStream
  }: BarePeerOptions = {}
): Promise<BarePeer> {
  const nodeKey = await generateKeyPair('Ed25519')
  const hub = hubId(publicBytes(hubKey))
  const peerId = peerIdFromPrivateKey(nodeKey).toString()
  const nowS = thisMoment().s
  const statement: LinkStatement = {
    hub,
    node: 'bare',
    role: 'link',
    peer_id: peerId,
    not_before: nowS - 3600,
    not_after: nowS + 86_400,
    epoch: 1,
    ...delegation
  }
  const keys = { hubId: hub, peerId, nodeKey, delegation: delegate(hubKey, statement) } as unknown as NodeKeys
  const party = partyOf({
    keys,
    federation,
    factsFor: () => (treaty === undefined ? FACTS : { ...FACTS, treaty: treaty() }),
    isRevoked: () => false,
    openInvite: () => undefined
  })
  const transport = await createTransport({ privateKey: nodeKey })
  endings(t).defer(() => transport.stop())
  if (onStream !== undefined) await transport.handle(OAP_PROTOCOL, onStream)
  const now = (): Moment => {
    const { ms, s } = thisMoment()
    return { ms, s: s + aheadS }
  }
  return {
    hub,
    party,
    async dial(address) {
      const connection = await transport.dial(multiaddr(address), { force: true })
      const caller = callsTo(connection)
      return {
        connection,
        caller,
        federation: caller.client(federationService),
        shake: (other, secret) =>
          shakeHands(
            caller,
            {
              peer: connection.remotePeer.toString(),
              nonce: newNonce(),
              hub: other,
              ...(secret && { secret })
            },
            { party, now }
          )
      }
    }
  }
}
