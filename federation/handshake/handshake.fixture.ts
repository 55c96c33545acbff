import { createHash } from 'node:crypto'
import { publicKeyFromRaw } from '@libp2p/crypto/keys'
import type { Ed25519PublicKey } from '@libp2p/interface'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import { delegate } from '../delegation.ts'
import type { Delegation, LinkStatement } from '../delegation.ts'
import { publicBytes, signingKey } from '../ed25519.ts'
import { hubId } from '../hub-id.ts'
import { initiate, proceed } from './initiator.ts'
import type { Dialled } from './initiator.ts'
import type { Facts } from './messages.ts'
import { NonceMemory } from './nonces.ts'
import type { Message, Moment, Outcome, Party, ProofMessage, Step } from './party.ts'
import { newResponder, respond } from './responder.ts'
import type { Channel, Responder } from './responder.ts'

export const NOW_S = 1_795_000_000
export const NOW: Moment = { ms: 1_000_000, s: NOW_S }
export const later = (ms: number): Moment => ({ ms: NOW.ms + ms, s: NOW_S + Math.floor(ms / 1000) })

/** What a name stands for is made once: it is the same every time. */
function once<T>(make: (name: string) => T): (name: string) => T {
  const made = new Map<string, T>()
  return name => {
    const value = made.get(name) ?? make(name)
    made.set(name, value)
    return value
  }
}

const seed = (name: string): Uint8Array => createHash('sha256').update(name).digest()

/** A key by its name, the same in every run. */
export const keyOf = once(name => signingKey(seed(name)))
export const nonceOf = (name: string): string => createHash('sha256').update(`nonce ${name}`).digest('hex')
export const hubOf = once(name => hubId(publicBytes(keyOf(`hub ${name}`))))
export const peerOf = once(name =>
  peerIdFromPublicKey(publicKeyFromRaw(publicBytes(keyOf(`node ${name}`))) as Ed25519PublicKey).toString()
)

export const FACTS: Facts = {
  revocation_seq: 3,
  treaty: {
    rows: [],
    classes: [],
    verbs: ['echo:call'],
    witness: false,
    quotas: { calls_per_s: 100, bytes_per_s: 2 ** 20, streams: 8 },
    window_s: 86_400
  }
}

/** The word of hub `name` that node `name` is its own. */
export function delegationOf(name: string, change?: Partial<LinkStatement>): Delegation {
  return change === undefined ? plainDelegation(name) : signedDelegation(name, change)
}

const plainDelegation = once(name => signedDelegation(name, {}))

function signedDelegation(name: string, change: Partial<LinkStatement>): Delegation {
  return delegate(keyOf(`hub ${name}`), {
    epoch: 1,
    hub: hubOf(name),
    node: 'node1',
    not_after: NOW_S + 86_400,
    not_before: NOW_S - 86_400,
    peer_id: peerOf(name),
    role: 'link',
    ...change
  })
}

/** A node that allows the hubs in `allows`. */
export function party(name: string, allows: readonly string[], change: Partial<Party> = {}): Party {
  const hubs = new Set(allows.map(hubOf))
  return {
    peerId: peerOf(name),
    key: keyOf(`node ${name}`),
    delegation: delegationOf(name),
    boot: createHash('sha256').update(`boot ${name}`).digest('hex').slice(0, 32),
    federation: 'main',
    nonces: new NonceMemory(),
    factsFor: hub => (hubs.has(hub) ? FACTS : undefined),
    isRevoked: () => false,
    openInvite: () => undefined,
    ...change
  }
}

/** Two parties and the connection between them. */
export interface Pair {
  readonly a: Party
  readonly b: Party
  readonly dialled: Dialled
  readonly channel: Channel
}

/** Hub a, which dials, and hub b; each allows the other. */
export const twoHubs = (change: Partial<Pair> = {}): Pair => ({
  a: party('a', ['b']),
  b: party('b', ['a']),
  dialled: { peer: peerOf('b'), nonce: nonceOf('a'), hub: hubOf('b') },
  channel: { peer: peerOf('a'), nonce: nonceOf('b') },
  ...change
})

/** A message on its way: changed, or as it is. */
export type Tamper = (message: Message) => Message

const PLAIN: Tamper = message => message

/** What both sides come to; each message passes `tamper`. */
export interface Run {
  readonly initiator: Outcome | undefined
  readonly responder: Outcome | undefined
  readonly messages: readonly Message[]
}

/** A handshake from its beginning until one side has nothing more to say, all at one moment. */
export function run(pair: Pair, tamper: Tamper = PLAIN, at: Moment = NOW): Run {
  const { a, b, dialled, channel } = pair
  const messages: Message[] = []
  let left = initiate(a, dialled, at)
  let right: Step<Responder> = { state: newResponder() }
  while (left.send !== undefined) {
    const asked = tamper(left.send)
    messages.push(asked)
    right = respond(b, channel, right.state, asked, at)
    if (right.send === undefined) return { initiator: undefined, responder: right.outcome, messages }
    const answer = tamper(right.send)
    messages.push(answer)
    left = proceed(a, dialled, left.state, answer, at)
  }
  return { initiator: left.outcome, responder: right.outcome, messages }
}

/** The members of a message changed, written canonically again, and nothing signed anew. */
export function edited(message: Message, change: (members: Record<string, unknown>) => object): Message {
  const members = JSON.parse(Buffer.from(message.body).toString()) as Record<string, unknown>
  return { ...message, body: Buffer.from(sorted({ ...members, ...change(members) })) }
}

/** Canonical for what messages hold: sorted members, no white space. */
function sorted(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sorted).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  const written = members
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([k, v]) => `${JSON.stringify(k)}:${sorted(v)}`)
  return `{${written.join(',')}}`
}

export const isProof = (message: Message): message is ProofMessage => message.kind === 'proof'
export const membersOfMessage = (message: Message): Record<string, unknown> =>
  JSON.parse(Buffer.from(message.body).toString()) as Record<string, unknown>
