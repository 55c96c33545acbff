import type { KeyObject } from 'node:crypto'
import type { Connection, Libp2p, PrivateKey, Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import type { Multiaddr } from '@multiformats/multiaddr'
import { OAP_PROTOCOL } from '../../protocols/index.ts'
import { createDialer } from '../../transport/index.ts'
import type { Encryption } from '../../transport/index.ts'
import { readRequirements } from '../../specs/index.ts'
import { capabilityCases } from './capability-cases.ts'
import { cannotCarry } from './carried.ts'
import { ExpectationFailure } from './expectation-failure.ts'
import {
  GONE,
  federationCases,
  homeAnswers,
  inviteKey,
  probeFederation,
  runnerHub,
  runnerOf
} from './federation/index.ts'
import type { Federation, FederationPlay, Parties, Runner } from './federation/index.ts'
import { FLOW_CASES } from './flow-cases.ts'
import { frameCases } from './frame-cases.ts'
import { mailboxCases } from './mailbox-cases.ts'
import { payloadCases } from './payload-cases.ts'
import { play } from './play.ts'
import { probe } from './probe.ts'
import type { Facts } from './probe.ts'
import { storageCases } from './storage-cases.ts'
import { readVectors } from './vectors.ts'
import type { Conversation, Need } from './vectors.ts'

const DIAL_TIMEOUT_MS = 10_000
const CLOSE_TIMEOUT_MS = 1000
const DEFAULT_FEDERATION = 'main'
/** A stranger may hold 8 connections from one prefix; slow cases take some of them. */
const LANES = { known: 8, stranger: 2 } as const
const SLOW_LANES = { known: 16, stranger: 4 } as const
const SLOWEST_MS = { all: Infinity, usual: 20_000, stranger: 9000 } as const

export interface ConformanceOptions {
  readonly encryption?: Encryption
  /** Also the cases of about a minute: idle sessions. Default false. */
  readonly slow?: boolean
  /** Only cases whose id contains this. */
  readonly only?: string
  /** What every call carries that brings nothing of its own: a token for echo:call, mailbox:send and mailbox:recv, and the verbs of storage. */
  readonly cap?: Uint8Array | undefined
  /** The key of a hub that the node allows: the runner links as a node of it. */
  readonly hubKey?: KeyObject | undefined
  /** An invite that is open at the node, as text: one case uses it up. @throws TypeError for what is none */
  readonly invite?: string | undefined
  /** The name of the node's federation. Default `main`. */
  readonly federation?: string
  readonly signal?: AbortSignal
}

/** What became of one case. `pass` is false for a case that was left out; `leftOut` says why it was. */
export interface ConformanceResult {
  readonly id: string
  readonly rule: string
  readonly about: string
  /** Ids of the sentences with MUST in specs/requirements.json that this case is evidence for. */
  readonly requirements: readonly string[]
  readonly pass: boolean
  readonly leftOut?: string
  /** What should have come at the step that failed. */
  readonly expected?: string
  readonly received?: string
  readonly ms: number
}

/** Every case that there is, in the order of the vectors; those that need what is not given have no steps. */
export async function conformanceCases(cap?: Uint8Array, play?: FederationPlay): Promise<Conversation[]> {
  const vectors = await readVectors()
  return [
    ...vectors.conversations,
    ...FLOW_CASES,
    ...frameCases(vectors),
    ...payloadCases(vectors),
    ...capabilityCases(cap),
    ...mailboxCases(),
    ...storageCases(),
    ...federationCases({ token: cap, ...play })
  ]
}

/**
 * Plays every case against the node at a multiaddr, each on a connection of its own, and yields results as they come.
 * Takes about 20 s, with `slow` about 70 s, or 100 s as a hub: cases that wait run beside the others, but for those of hubs.
 * @throws when the node cannot be reached or does not speak OAP/1 at all.
 */
export async function* runConformance(
  address: string,
  options: ConformanceOptions = {}
): AsyncGenerator<ConformanceResult> {
  const node: Target = { address: multiaddr(address), ...options }
  const { only = '', federation: name = DEFAULT_FEDERATION, hubKey } = options
  const invite = options.invite === undefined ? undefined : givenInvite(options.invite)
  const facts = await withDialer(node, dialer => probe(() => dial(dialer, node), options.cap))
  const hub = hubKey && runnerHub(hubKey)
  const runner = await runnerOf(name, hub)
  const { parties, federation } = facts.federates ? await asHub(node, runner) : NO_FEDERATION
  const cases = await conformanceCases(options.cap, { parties, share: federation.share, invite })
  const known = { ...facts, federation, hub: hub?.id }
  const judged = cases
    .filter(({ id }) => id.includes(only))
    .map(conversation => ({ conversation, why: whyLeftOut(conversation, known, options) }))
  for (const { conversation, why } of judged) if (why !== undefined) yield leaveOut(conversation, why)
  const played = judged.filter(({ why }) => why === undefined).map(({ conversation }) => conversation)
  // Where nothing asks for a capability the cases go as they are written.
  const target = facts.guarded ? node : { ...node, cap: undefined }
  yield* inLanes(
    lanes(played, facts.known, { privateKey: runner.privateKey, answers: hub && homeAnswers(hub) }),
    target
  )
}

function givenInvite(code: string): Buffer {
  const key = inviteKey(code)
  if (key === undefined) throw new TypeError('invite: not an invite')
  return key
}

interface AsHub {
  readonly parties: Parties | undefined
  readonly federation: Federation
}

const NO_FEDERATION: AsHub = { parties: undefined, federation: { is: 'none', isAllowed: false } }

/** How the node takes the runner's hub. */
function asHub(node: Target, { privateKey, partiesWith }: Runner): Promise<AsHub> {
  return withDialer(
    node,
    async dialer => {
      const connection = await dial(dialer, node)
      const parties = partiesWith(connection.remotePeer.toString())
      try {
        return { parties, federation: await probeFederation(connection, parties) }
      } finally {
        await hangUp(connection)
      }
    },
    { privateKey }
  )
}

interface Target {
  readonly address: Multiaddr
  readonly cap?: Uint8Array | undefined
  readonly encryption?: Encryption
  readonly signal?: AbortSignal
}

async function withDialer<T>(
  { encryption = 'noise' }: Target,
  use: (dialer: Libp2p) => Promise<T>,
  { privateKey, answers }: Partial<Self> = {}
): Promise<T> {
  const dialer = await createDialer({ encryption: [encryption], ...(privateKey && { privateKey }) })
  try {
    if (answers !== undefined) await dialer.handle(OAP_PROTOCOL, answers)
    return await use(dialer)
  } finally {
    await dialer.stop()
  }
}

interface Known extends Facts {
  readonly federation: Federation
  /** The runner's own, where it was given one. */
  readonly hub: string | undefined
}

function whyLeftOut(
  conversation: Conversation,
  facts: Known,
  { slow = false, cap, invite, only = '' }: ConformanceOptions
): string | undefined {
  const { needs = [], slow_ms = 0 } = conversation
  if (needs.includes('guarded') && !facts.guarded) return 'the node opens echo to all'
  if (needs.includes('capability') && cap === undefined) return 'no capability was given'
  const noHub = needs.includes('federation') ? whyNoHub(needs, facts) : undefined
  if (noHub !== undefined) return noHub
  if (needs.includes('invite') && invite === undefined) return 'no invite was given'
  if (needs.includes('no_invite') && invite !== undefined) return 'an invite is open'
  if (needs.includes('alone') && only !== conversation.id)
    return `leaves nothing for other cases; asked for with --only ${conversation.id}`
  if (needs.includes('mailbox') && !facts.mailbox)
    return 'the node has no mailbox that this caller may send to and receive from'
  if (needs.includes('storage') && !facts.storage)
    return 'the node has no storage that this caller may put into and read'
  if (needs.includes('zstd') && !facts.zstd) return 'the node does not list COMP in its HELLO'
  if (needs.includes('known') && !facts.known) return 'the node counts this connection as a stranger'
  if (needs.includes('stranger') && facts.known) return 'the node counts this connection as known'
  if (!facts.known && slow_ms > SLOWEST_MS.stranger) return 'the node closes a stranger before it is over'
  if (slow_ms > SLOWEST_MS[slow ? 'all' : 'usual']) return `takes ${slow_ms / 1000} s; asked for with --slow`
  return facts.guarded && cap !== undefined ? cannotCarry(conversation, cap) : undefined
}

function whyNoHub(needs: readonly Need[], { federation, hub }: Known): string | undefined {
  if (federation.is === 'none') return 'the node does not federate'
  if (federation.is === 'another') return 'the node is of another federation; name it with --federation'
  if (!needs.includes('hub')) return undefined
  if (hub === undefined) return 'no hub key was given'
  if (!federation.isAllowed)
    return `the node does not link with hub ${hub}; allow it, and its treaty echo:call`
  if (needs.includes('share') && federation.share === undefined)
    return 'the treaty has no share of topics that its hub may send to, with mailbox:send and without mailbox:recv'
  if (needs.includes('share_out') && federation.share?.out === undefined)
    return 'the treaty has no share of topics with the direction out'
  if (needs.includes('share_both') && federation.share?.both === undefined)
    return 'the treaty has no share of topics that goes both ways'
  if (needs.includes('witness') && federation.witnesses !== true) return 'the treaty has no witness'
  if (needs.includes('no_witness') && federation.witnesses === true) return 'the treaty has witness'
  if (needs.includes('share_gone') && federation.share?.gone === undefined)
    return `the treaty has no share by the name ${GONE} of a tenant that was removed`
  if (needs.includes('exchange') && federation.exchanges !== true) return 'the treaty has no cap:exchange'
  if (needs.includes('silent') && federation.hasHeard === true)
    return 'the node has heard of the revocations of this hub; ask again in a minute'
  return undefined
}

const leaveOut = (conversation: Conversation, leftOut: string): ConformanceResult => ({
  ...headOf(conversation),
  pass: false,
  leftOut,
  ms: 0
})

const REQUIREMENTS = readRequirements()

const headOf = ({ id, rule, about }: Conversation) => ({
  id,
  rule,
  about,
  requirements: REQUIREMENTS.filter(({ cases }) => cases.includes(id)).map(requirement => requirement.id)
})

/** Who a dialer is, where it matters. */
interface Self {
  readonly privateKey: PrivateKey
  /** Takes the streams that the node opens. */
  readonly answers?: ((stream: Stream) => void) | undefined
}

/** A queue of cases that one dialer works off. */
interface Lane {
  readonly queue: Iterator<Conversation>
  readonly self?: Self
}

/** The queues that are worked off side by side: slow cases have lanes of their own, those of one hub a single one. */
function lanes(cases: readonly Conversation[], known: boolean, ofHub: Self): Lane[] {
  const kind = known ? 'known' : 'stranger'
  const hubs = cases.filter(({ isOfFederation }) => isOfFederation)
  const others = cases.filter(({ isOfFederation }) => !isOfFederation)
  const slow = others.filter(({ slow_ms }) => slow_ms !== undefined)
  const quick = others.filter(({ slow_ms }) => slow_ms === undefined)
  return [
    ...shared(hubs, 1).map(lane => ({ ...lane, self: ofHub })),
    ...shared(slow, SLOW_LANES[kind]),
    ...shared(quick, LANES[kind])
  ]
}

function shared(cases: readonly Conversation[], count: number): Lane[] {
  const queue = cases.values()
  return Array.from({ length: Math.min(count, cases.length) }, () => ({ queue }))
}

// Each lane has a dialer of its own: libp2p gives two dials of one node towards one peer the same connection.
async function* inLanes(queues: readonly Lane[], node: Target): AsyncGenerator<ConformanceResult> {
  const results = new ReadableStream<ConformanceResult>({
    start: async controller => {
      const lane = ({ queue, self }: Lane) =>
        withDialer(
          node,
          async dialer => {
            for (let next = queue.next(); next.done !== true; next = queue.next())
              controller.enqueue(await playCase(next.value, dialer, node))
          },
          self
        )
      await Promise.all(queues.map(lane))
      controller.close()
    }
  })
  yield* results
}

async function playCase(
  conversation: Conversation,
  dialer: Libp2p,
  node: Target
): Promise<ConformanceResult> {
  const from = performance.now()
  const done = (fault?: Pick<ConformanceResult, 'expected' | 'received'>): ConformanceResult => ({
    ...headOf(conversation),
    pass: fault === undefined,
    ...fault,
    ms: Math.round(performance.now() - from)
  })
  const connections: Connection[] = []
  const connect = async () => {
    const connection = await dial(dialer, node)
    connections.push(connection)
    return connection
  }
  try {
    try {
      await play(conversation.steps, connect, conversation.bare === true ? undefined : node.cap)
    } finally {
      await Promise.all(connections.map(hangUp))
    }
    return done()
  } catch (error) {
    node.signal?.throwIfAborted()
    if (error instanceof ExpectationFailure) return done(error)
    return done({ expected: 'a connection and a stream that last', received: String(error) })
  }
}

function dial(dialer: Libp2p, { address, signal }: Target): Promise<Connection> {
  const deadline = AbortSignal.timeout(DIAL_TIMEOUT_MS)
  return dialer.dial(address, {
    force: true,
    signal: signal ? AbortSignal.any([signal, deadline]) : deadline
  })
}

async function hangUp(connection: Connection): Promise<void> {
  for (const stream of connection.streams) stream.abort(new Error('the case is over'))
  await connection
    .close({ signal: AbortSignal.timeout(CLOSE_TIMEOUT_MS) })
    .catch(error => connection.abort(error))
}
