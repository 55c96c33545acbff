import { hubPublicKey } from '../../federation/index.ts'
import type { Form } from '../../federation/index.ts'
import { networkProblem } from '../ams/access/addresses.ts'
import { hostProblem } from '../ams/access/host-rule.ts'
import { originProblem } from '../ams/access/origin-rule.ts'
import { parseRule } from '../mailbox/topic-rules.ts'
import { httpListenProblem, listenProblem, multiaddrProblem } from './address.ts'
import { configuredPeers } from './peers.ts'
import type { ConfiguredPeer } from './peers.ts'
import { type ObjectSchema, type Options, type Properties, type Schema, type Static, Type } from './type.ts'

const MIB = 1024 * 1024
const HOUR_MS = 3_600_000

const name = (description: string, value: string) =>
  Type.Judged({ description, default: value }, text =>
    /^[a-z0-9-]{1,63}$/.test(text) ? undefined : 'must be 1 to 63 of a-z, 0-9 and -'
  )

const checked = (options: Options, problem: (text: string) => string | undefined) =>
  Type.Judged(options, problem)

const count = (description: string, value: number, minimum: number, maximum: number) =>
  Type.Integer({ description, default: value, minimum, maximum })

const ruleProblem = (text: string): string | undefined => {
  const rule = parseRule(text)
  return typeof rule === 'string' ? rule : undefined
}

const flag = (description: string, value: boolean) => Type.Boolean({ description, default: value })

const list = (description: string, problem: (text: string) => string | undefined, maxItems: number) =>
  Type.Array(checked({ maxLength: 512 }, problem), { description, default: [], maxItems, uniqueItems: true })

const section = <P extends Properties>(description: string, properties: P): ObjectSchema<P> =>
  Type.Object(properties, { description, additionalProperties: false })

/** Every key that a configuration may hold, with its bounds, its default and the words that `omnigate init` writes. */
export const configSchema = Type.Object(
  {
    node: section('This process among the nodes of its hub.', {
      name: name('Name of this node within its hub, and part of what the hub key signs.', 'node1'),
      listen: Type.Array(checked({}, listenProblem), {
        description: 'Addresses to listen on. Peers use TCP; browsers need one that ends in /ws.',
        default: ['/ip4/127.0.0.1/tcp/4801', '/ip4/127.0.0.1/tcp/4802/ws'],
        minItems: 1,
        maxItems: 16,
        uniqueItems: true
      }),
      announce: Type.Array(checked({}, multiaddrProblem), {
        description: 'Addresses to tell peers instead of the ones above, for a node behind NAT or a proxy.',
        default: [],
        maxItems: 16,
        uniqueItems: true
      }),
      role: Type.Enum(['core', 'mirror'], {
        description:
          'A mirror follows the snapshots of mirror.core, shows them, takes no writes and holds no key of a hub: "core", "mirror".',
        default: 'core'
      }),
      drainTimeoutMs: count('How long a stopping node waits for calls under way.', 10_000, 0, HOUR_MS)
    }),
    transport: section('Connections to peers.', {
      encryption: Type.Array(Type.Enum(['noise', 'tls']), {
        description: 'Secure channels to offer, the preferred one first: "noise", "tls".',
        default: ['noise', 'tls'],
        minItems: 1,
        uniqueItems: true
      }),
      tuned: flag(
        'Faster noise and yamux. false runs the libraries as they are, to tell whose fault is whose.',
        true
      ),
      maxConnections: count('Connections in all; one more is refused.', 1000, 1, 1_000_000),
      maxPendingConnections: count(
        'Inbound connections that have not finished their handshake.',
        200,
        1,
        100_000
      ),
      inboundStreamsPerPeer: count('Open inbound streams of one peer.', 256, 1, 65_536)
    }),
    limits: section('Bounds that hold for every peer.', {
      maxFrameBytes: count('Largest frame, without its length field.', MIB, 66_000, MIB),
      maxInflight: count('Open calls of one session.', 64, 1, 65_536),
      firstFrameTimeoutMs: count('Time for the first frame of a stream to arrive whole.', 5000, 100, HOUR_MS),
      frameTimeoutMs: count('Time for any frame to arrive whole, from its first byte.', 15_000, 100, HOUR_MS),
      idleTimeoutMs: count(
        'Inbound sessions without calls are closed after this.',
        60_000,
        1000,
        24 * HOUR_MS
      ),
      inboundBufferBytes: count(
        'Received bytes held by the node in all; reading pauses beyond it.',
        64 * MIB,
        2 * MIB,
        2 ** 40
      ),
      maxCalls: count(
        'Open calls of all sessions; near it the node sheds writes, at it calls.',
        8192,
        16,
        1e9
      ),
      maxDelayMs: count(
        'How long calls may wait for the processor before the node refuses what it cannot serve.',
        100,
        10,
        HOUR_MS
      ),
      minFreeDiskBytes: count(
        'Free space on the disk of the data folder below which writes are refused.',
        256 * MIB,
        0,
        2 ** 50
      ),
      helloBurst: count('HELLOs that one connection may send at once.', 10, 1, 1000),
      helloPerSecond: count('HELLOs a second that one connection regains.', 1, 1, 1000)
    }),
    strangers: section('Connections that have shown neither a link nor a token.', {
      loopbackIsKnown: flag('Treat connections from this machine as known. For development only.', false),
      bufferBytes: count('Received bytes held for one of them.', MIB, 66_004, 64 * MIB),
      maxStreams: count('Open streams of one of them.', 8, 1, 65_536),
      maxCalls: count('Open calls of one of them.', 4, 1, 65_536),
      graceMs: count('Closed this long after its last call.', 10_000, 100, HOUR_MS),
      maxSharePercent: count('Share of all connections that they may take together.', 25, 0, 100),
      maxPerPrefix: count('Connections from one IPv4 /24 or IPv6 /64.', 8, 1, 1_000_000),
      maxLoopPercent: count(
        'Share of the time of a busy event loop beyond which new ones wait; 100 for no such bound.',
        25,
        1,
        100
      ),
      maxWaiting: count('New connections that wait for that.', 256, 0, 65_536),
      maxWaitMs: count('Refused after waiting this long.', 5000, 100, 60_000)
    }),
    quotas: section(
      'Rates, each with a burst of one second. Beyond them calls get 429 with the time to wait. Rates of bytes hold for calls and, once more, for streams, which run at them.',
      {
        peerCallsPerSecond: count('Calls of one known peer, over all its connections.', 1_000_000, 1, 1e9),
        peerBytesPerSecond: count(
          'Frame bytes of calls of one known peer, and as many of its streams, both ways.',
          1024 * MIB,
          MIB,
          2 ** 40
        ),
        prefixCallsPerSecond: count('Calls of all strangers of one IPv4 /24 or IPv6 /64.', 500, 1, 1e9),
        strangerCallsPerSecond: count('Calls of all strangers together.', 5000, 1, 1e9),
        strangerBytesPerSecond: count(
          'Frame bytes of calls of all strangers, and as many of their streams, both ways.',
          128 * MIB,
          MIB,
          2 ** 40
        ),
        tenantCallsPerSecond: count(
          'Calls of one tenant to one app; tenant limit sets others.',
          1000,
          1,
          1e9
        ),
        tenantBurst: count('Calls of one tenant to one app at once.', 2000, 1, 1e9),
        tenantBytesPerSecond: count(
          'Frame bytes of calls of one tenant to one app, and as many of its streams, both ways.',
          64 * MIB,
          MIB,
          2 ** 40
        )
      }
    ),
    capabilities: section('What callers may do, and by what proof.', {
      openVerbs: Type.Array(Type.String({ maxLength: 129 }), {
        description: 'Verbs that everyone may use without a capability: "echo:call", or "*" for all of them.',
        default: [],
        maxItems: 256,
        uniqueItems: true
      }),
      takesBearer: flag('Take capabilities that are bound to no peer: whoever has one may use it.', false),
      defaultTtlMs: count('Life of a capability for which none is asked.', 15 * 60_000, 1000, 24 * HOUR_MS),
      maxTtlMs: count('Longest life that can be asked for.', 24 * HOUR_MS, 1000, 366 * 24 * HOUR_MS)
    }),
    audit: section('How much of the audit log is kept; hashes and seals of what goes are kept for ever.', {
      retentionDays: count('Days that entries are kept.', 365, 1, 36_500),
      maxEntries: count('Entries that are kept.', 100_000_000, 65_536, 2 ** 40),
      maxBytes: count('Bytes of entries that are kept.', 16 * 1024 * MIB, 64 * MIB, 2 ** 50)
    }),
    mailbox: section('Durable queues by topic.', {
      visibilityMs: count('Life of a lease for which none is asked.', 30_000, 250, 12 * HOUR_MS),
      maxVisibilityMs: count('Longest life of a lease.', 300_000, 250, 12 * HOUR_MS),
      idemWindowMs: count(
        'How long an idempotency key is known; no shorter than maxVisibilityMs.',
        300_000,
        1000,
        24 * HOUR_MS
      ),
      maxAttempts: count('Deliveries of a message until it is a dead letter.', 5, 1, 1000),
      retentionMs: count('How long a message is kept.', 7 * 24 * HOUR_MS, 1000, 366 * 24 * HOUR_MS),
      retentionBytes: count(
        'Bytes of ready messages of one topic; beyond them the oldest expire. A topic has no such bound by default.',
        2 ** 50,
        1,
        2 ** 50
      ),
      deadRetentionMs: count('How long a dead letter is kept.', 14 * 24 * HOUR_MS, 1000, 3660 * 24 * HOUR_MS),
      deadBytes: count(
        'Bytes of dead letters of one topic; beyond them the oldest go.',
        1024 * MIB,
        0,
        2 ** 50
      ),
      topicDepth: count('Messages of one topic, dead letters apart; one more is refused.', 1_000_000, 1, 1e9),
      tenantBytes: count('Bytes that the mailbox keeps for one tenant.', 10 * 1024 * MIB, MIB, 2 ** 50),
      readAheadBytes: count('Bytes of messages read ahead for receivers.', 32 * MIB, MIB, 2 ** 40),
      topics: Type.Array(checked({ maxLength: 1024 }, ruleProblem), {
        description:
          'Other numbers for some topics: "PATTERN name=value ..." of max_attempts, retention_ms, retention_bytes, dead_retention_ms, dead_bytes, depth, dead_letter_topic.',
        default: [],
        maxItems: 256,
        uniqueItems: true
      })
    }),
    storage: section('Blobs by the hash of their content.', {
      tenantBytes: count('Bytes of blocks that are kept for one tenant.', 100 * 1024 * MIB, MIB, 2 ** 50),
      fetchThrough: flag(
        'Fetch blobs that are not here from other hubs for callers whose capability says storage:fetch or was minted for the content. The operator may always.',
        false
      ),
      fetchBytes: count('Longer blobs are not fetched.', 10 * 1024 * MIB, MIB, 2 ** 50),
      fetchesPerTenant: count('Fetches for one tenant at the same time.', 4, 1, 1024)
    }),
    snapshots: section('Signed summaries of what this hub knows, for others and for later.', {
      everyMinutes: count(
        'How often one is made; one that was missed is made at the next start.',
        1440,
        1,
        527_040
      ),
      keep: count('Own ones that are kept.', 30, 1, 1000),
      keepPerHub: count('Fetched ones that are kept of each other hub.', 8, 1, 100)
    }),
    mirror: section('What a node of the role mirror follows.', {
      core: checked(
        { description: 'Hub id of the core, which is on the allowlist too. Empty for none.', default: '' },
        text => (text === '' || hubPublicKey(text) !== undefined ? undefined : 'not a hub id')
      ),
      everySeconds: count('How often the core is asked for a newer snapshot.', 60, 1, 86_400)
    }),
    dht: section('Who among linked hubs has which public blob.', {
      enabled: flag('Take part in the DHT, and announce public blobs in it.', true),
      dial: flag(
        'Fetch public blobs also from hubs without a link that the DHT names, at the addresses that it tells.',
        true
      )
    }),
    compression: section('Bodies that arrive compressed. These bounds can only be lowered.', {
      maxRatio: count('Bytes out for one byte in.', 10, 1, 10),
      maxInflatedBytes: count('Bytes out in all.', 8 * MIB, 1024, 8 * MIB)
    }),
    http: section('Health, readiness and metrics for the operator, and public blobs for IPFS tools.', {
      enabled: flag('Serve /healthz, /readyz and /metrics.', true),
      listen: checked(
        {
          description: 'Address and port; another than of loopback needs gateway.remote.',
          default: '127.0.0.1:4803'
        },
        httpListenProblem
      ),
      gateway: flag(
        'Serve public blobs at /ipfs/, as a trustless gateway does, and who has them at /routing/v1/providers/.',
        true
      ),
      announce: Type.Array(checked({}, multiaddrProblem), {
        description:
          'Addresses of the gateway to tell others, for one behind a proxy: "/dns/example.org/tcp/443/https".',
        default: [],
        maxItems: 8,
        uniqueItems: true
      }),
      drainNoticeMs: count(
        'How long at least /readyz says draining before a stopping node closes, for a balancer that looks at it.',
        0,
        0,
        HOUR_MS
      )
    }),
    gateway: section('AMS and whatever else applications use over HTTP, on the address of http.listen.', {
      enabled: flag('Serve AMS, and mailbox, storage and audit log to callers over HTTP.', true),
      hosts: list(
        'Hosts that requests may name, beside those of this machine: "hub.example.org".',
        hostProblem,
        64
      ),
      url: checked(
        {
          description:
            'Where others reach it, for what it says of itself: "https://hub.example.org". Empty: http.listen.',
          default: ''
        },
        text => (text === '' ? undefined : originProblem(text))
      ),
      origins: list('Origins whose pages may read and write: "https://app.example.org".', originProblem, 64),
      trusted_proxies: list(
        'Networks of proxies that are believed when they say who asks: "10.0.0.0/8".',
        networkProblem,
        64
      ),
      remote: flag('Allow another address than of loopback in http.listen.', false),
      write_mode: Type.Enum(['open', 'token'], {
        description:
          'Whether callers without a token may write: "open" for this machine, "token". Pages of other sites never may.',
        default: 'open'
      }),
      write_requires_token: flag('Writes need a token, whatever write_mode says; set by harden.', false),
      private: flag('Reading needs a token, too.', false),
      audit_public: flag('Anybody may read the audit log at /audit/v1/events.ndjson.', false),
      sandbox: Type.Enum(['', 'public'], {
        description:
          '"public": anybody may write, from anywhere; what is posted waits for a moderator and goes to no other hub.',
        default: ''
      }),
      tenant: name('Tenant in whose name callers act; its capabilities are taken.', 'default'),
      tokens: Type.String({
        description:
          'File of the tokens of token add, by digest. Empty: ams-tokens.json among the keys of the data folder.',
        default: '',
        maxLength: 4096
      }),
      validation: Type.Enum(['lenient', 'standard', 'strict'], {
        description: 'How strictly envelopes are read: "lenient", "standard", "strict".',
        default: 'standard'
      }),
      require_proof: flag('Refuse envelopes without a proof.', false),
      prove: flag(
        'Add a proof of this hub, by its key of the role message, to each envelope that is kept.',
        false
      ),
      proof_secrets: Type.String({
        description:
          'File of secrets for proofs by HMAC-SHA256, a line each: a name, a space, 32 to 256 bytes in base64. Empty: none.',
        default: '',
        maxLength: 4096
      }),
      ams_bytes: count(
        'Bytes that envelopes, messages of rooms, notary records and artifacts take together.',
        1024 * MIB,
        MIB,
        2 ** 50
      ),
      retention_days: count('Days that these are kept; 0: as long as there is room.', 0, 0, 36_500),
      retention_count: count(
        'Envelopes, and messages, notary records and artifacts each, that are kept, the newest; 0: as many as there is room for.',
        0,
        0,
        1_000_000_000
      ),
      retention_every_s: count('Seconds from one look for what is to go to the next.', 3600, 60, 604_800),
      types: Type.Array(
        Type.Judged({ maxLength: 128 }, text =>
          /^[\x21-\x7e]+$/.test(text) ? undefined : 'must be visible characters of ASCII'
        ),
        {
          description: 'Types of envelopes that are counted by name; all others together are "other".',
          default: [],
          maxItems: 200,
          uniqueItems: true
        }
      ),
      rate_limits: flag(
        'Count requests by who makes them, and refuse with 429 beyond the numbers below.',
        true
      ),
      reads_per_min: count('Reads a minute of one address without a token.', 200, 1, 1_000_000),
      writes_per_min: count('Writes a minute of one address without a token.', 30, 1, 1_000_000),
      token_reads_per_min: count(
        'Reads a minute of one token, or of one address with tokens.',
        12_000,
        1,
        10_000_000
      ),
      token_writes_per_min: count(
        'Writes a minute of one token, or of one address with tokens.',
        6000,
        1,
        10_000_000
      )
    }),
    security: section('What holds whatever else is configured.', {
      write_requires_auth: flag('Every write over HTTP needs a token; set by harden.', false)
    }),
    log: section('The log: one JSON object a line.', {
      level: Type.Enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
        description: 'Least severe level that is written. Peers are named at debug only.',
        default: 'info'
      }),
      file: Type.String({
        description: 'File to append to. Empty: standard error.',
        default: '',
        maxLength: 4096
      })
    }),
    federation: section('The federation that this node belongs to.', {
      name: name('Hubs with another name here are refused.', 'main'),
      policy: Type.String({
        description:
          'File of the acceptance policy, by which messages of other hubs are taken; followed while the node runs. Empty: the built-in one.',
        default: '',
        maxLength: 4096
      }),
      quarantineBytes: count(
        'Bytes of messages of all hubs together that wait for the operator; 64 MiB of one hub.',
        1024 * MIB,
        0,
        2 ** 50
      ),
      peers: Type.Unsafe<readonly ConfiguredPeer[]>(
        Type.Array(Type.Unknown(), {
          description:
            'Hubs that may federate with this one, beside those of peer add: [[federation.peers]] with hub, addresses, treaty (a table, or the path of a file from here) and note.',
          default: []
        })
      )
    })
  },
  { additionalProperties: false }
)

/** Keys whose values are judged by more than their schema. */
export const LEAF_FORMS: ReadonlyMap<string, Form<unknown>> = new Map([['federation.peers', configuredPeers]])

type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T

/** A checked and frozen configuration. Units stand in the names. */
export type Config = DeepReadonly<Static<typeof configSchema>>

export type SectionName = keyof Config

export interface Section {
  readonly name: string
  readonly description: string
  readonly leaves: readonly Leaf[]
}

export interface Leaf {
  readonly section: string
  readonly key: string
  /** `section.key`, as errors and origins write it. */
  readonly path: string
  readonly schema: Schema & { readonly default: unknown; readonly description: string }
}

/** All sections in the order of the schema. */
export const configSections: readonly Section[] = Object.entries(configSchema.properties).map(
  ([name, schema]) => ({
    name,
    description: schema.description ?? '',
    leaves: Object.entries(schema.properties).map(([key, leaf]) => ({
      section: name,
      key,
      path: `${name}.${key}`,
      // Every key above is made with both members.
      schema: leaf as Leaf['schema']
    }))
  })
)

/** All keys in the order of the schema. */
export const configLeaves: readonly Leaf[] = configSections.flatMap(({ leaves }) => leaves)
