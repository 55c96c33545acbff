import { HANDSHAKE, MAX_GRANT_BYTES } from '../../federation/index.ts'
import type { Moment } from '../../federation/index.ts'
import { OapError, clampRetryAfter, federationService, parseJson } from '../../protocols/index.ts'
import type { Call, ConnectionState, Handlers, Service } from '../../protocols/index.ts'
import { BucketTable } from '../guards/bucket-table.ts'
import type { KeyExchange } from '../peer-keys/index.ts'
import type { CallConnections } from './call-connections.ts'
import type { Links } from './links.ts'
import type { LiveLink } from './live-link.ts'
import type { OverLinks } from './over-links.ts'
import type { Pairing } from './pairing.ts'
import type { Responding } from './responding.ts'

export interface FederationParts {
  readonly callConnections: CallConnections
  readonly responding: Pick<Responding, 'hello' | 'prove' | 'refuse'>
  readonly links: Pick<Links, 'all' | 'grants' | 'left'>
  readonly pairing: Pick<Pairing, 'admit'>
  readonly keys: Pick<KeyExchange, 'page' | 'heard'>
  /** What parts of their own answer over links. */
  readonly over: OverLinks
  /** Of this hub's list. */
  readonly revocationSeq: () => number
  readonly now: () => Moment
}

type FederationOperations = (typeof federationService)['operations']

const EMPTY = new Uint8Array(0)
/** What is for links, of one hub over all its links: enough for all pages of its keys at once. */
const LINK_CALLS = { burst: 100, perSecond: 20 }
/** As many as may be on an allowlist. */
const MOST_HUBS = 1024

/** What other hubs call to link, to pair and to stay linked. @see specs/federation-handshake.md, section 8 */
export function federationOver(parts: FederationParts): Service<FederationOperations> {
  const { callConnections, responding, links, pairing, keys, over, revocationSeq, now } = parts
  const rates = new BucketTable(MOST_HUBS)

  const connectionOf = (call: Call): ConnectionState => {
    const connection = callConnections.of(call)
    if (connection !== undefined) return connection
    throw new OapError('unknown_app', 'federation is for connections of other nodes')
  }
  const anyLinkOf = (call: Call): LiveLink => {
    const connection = connectionOf(call)
    const link = links.all().find(({ state }) => state === connection)
    if (link !== undefined) return link
    throw new OapError('not_allowlisted', 'this connection is no link')
  }
  /** The same for calls about the link, which are few. */
  const linkOf = (call: Call): LiveLink => {
    const link = anyLinkOf(call)
    const { ms } = now()
    const waitMs = rates.get(link.hub, LINK_CALLS, ms).take(1, ms)
    if (waitMs > 0)
      throw new OapError('quota_peer', 'too many calls about the link', {
        retryAfterMs: clampRetryAfter(waitMs)
      })
    return link
  }

  const handlers: Handlers<FederationOperations> = {
    hello: ({ body = EMPTY }, call) => responding.hello(connectionOf(call), body),

    prove: async ({ body = EMPTY, signature }, call) => {
      const proof = { purpose: 'link', body, signature: bytes(signature) } as const
      const answer = await responding.prove(connectionOf(call), proof)
      return { signature: hex(answer.signature), body: answer.body }
    },

    pair: async ({ body = EMPTY, signature, mac }, call) => {
      const connection = connectionOf(call)
      // The time of an answer must not show whether there is an invite.
      if (!pairing.admit()) throw await responding.refuse(connection, 'no_invite')
      const proof = { purpose: 'pair', body, signature: bytes(signature), mac: bytes(mac) } as const
      const answer = await responding.prove(connection, proof)
      return { signature: hex(answer.signature), mac: hex(answer.mac ?? EMPTY), body: answer.body }
    },

    probe: (_request, call) => {
      linkOf(call)
      return { time: now().s, revocation_seq: revocationSeq() }
    },

    treaty: async ({ body = EMPTY }, call) => {
      if (!(await links.grants(linkOf(call).state, treatyIn(body))))
        throw new OapError('bad_request', 'the body is no treaty as federation-links.md has it')
      return {}
    },

    keys: ({ from }, call) => {
      linkOf(call)
      return keys.page(from)
    },

    new_keys: async ({ body = EMPTY }, call) => {
      await keys.heard(linkOf(call), body)
      return {}
    },

    leave: ({ reason }, call) => {
      links.left(linkOf(call).state, reason)
      return {}
    },

    ...over.rows(linkOf, anyLinkOf)
  }
  return { table: federationService, handlers }
}

/** What a body holds as JSON, not judged yet. Throws `bad_payload`, `body_oversize`. */
const treatyIn = (body: Uint8Array): object =>
  parseJson(body, { maxBytes: MAX_GRANT_BYTES, maxValues: HANDSHAKE.values })

const bytes = (text: string): Uint8Array => Buffer.from(text, 'hex')
const hex = (some: Uint8Array): string => Buffer.from(some).toString('hex')
