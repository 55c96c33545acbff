import { randomBytes } from 'node:crypto'
import { federationService } from 'omnigate/protocols'
import type { JsonObject } from 'omnigate/protocols'
import { request } from '../raw-frame.ts'
import type { RawStream, Seen } from '../raw-stream.ts'

const ANSWER_MS = 3000
const MOST_VALUES = 4096
const { app } = federationService
const SIGNATURE = '0a'.repeat(64)

/** Who is at the ends of a connection, and hubs that may be claimed. */
export interface Claims {
  readonly from: string
  readonly to: string
  /** One that the target has on its allowlist. */
  readonly allowed: string
  /** One that it has not. */
  readonly unknown: string
}

type Proof = (
  claims: Claims,
  nonces: Readonly<Record<'initiator' | 'responder', string>>
) => JsonObject | 'none'

/** What strangers send in the place of a proof. The last one has the target verify a signature. */
export const HOSTILE_PROOFS: readonly Proof[] = [
  // As many values as are read, and then no proof.
  () => Object.fromEntries(Array.from({ length: MOST_VALUES }, (_, n) => [`m${n}`, 0])),
  // As many bytes as are taken.
  () => ({ a: 'x'.repeat(65_000) }),
  // Nothing: the challenge was good enough.
  () => 'none',
  (claims, nonces) => proofOf(claims.unknown, claims, nonces),
  (claims, nonces) => proofOf(claims.allowed, claims, nonces)
]

/** One handshake on a stream that speaks OAP; yields the answers that came. */
export async function shakeBadly(stream: RawStream, claims: Claims, proof: Proof): Promise<Seen[]> {
  const nonce = hex(32)
  const hello = canonical({
    algs: ['ed25519-sha256'],
    boot: hex(16),
    federation: 'main',
    from: claims.from,
    nonce,
    time: Math.floor(Date.now() / 1000),
    to: claims.to,
    versions: [1]
  })
  await stream.write(request({ op: 'hello' }, { app, corr: 1n, body: hello }))
  const challenge = await stream.next(({ corr }) => corr === 1n, ANSWER_MS)
  if (challenge === undefined) return []
  const said = nonceIn(challenge.payload)
  const body = said === undefined ? undefined : proof(claims, { initiator: nonce, responder: said })
  if (body === undefined || body === 'none') return [challenge]
  const fields = { app, corr: 2n, body: canonical(body) }
  await stream.write(request({ op: 'prove', signature: SIGNATURE }, fields))
  const answer = await stream.next(({ corr }) => corr === 2n, ANSWER_MS)
  return answer === undefined ? [challenge] : [challenge, answer]
}

/** Calls of the same service that are not for strangers, with whatever may stand in them. */
export async function callAll(stream: RawStream): Promise<Seen[]> {
  const garbage = randomBytes(2048)
  const calls = [
    request({ op: 'hello' }, { app, corr: 11n, body: garbage }),
    request({ op: 'prove', signature: SIGNATURE }, { app, corr: 12n, body: garbage }),
    request({ op: 'pair', signature: SIGNATURE, mac: '0b'.repeat(32) }, { app, corr: 13n, body: garbage }),
    request({ op: 'probe' }, { app, corr: 14n }),
    request({ op: 'treaty' }, { app, corr: 15n, body: garbage }),
    request({ op: 'keys', from: 0 }, { app, corr: 16n }),
    request({ op: 'leave', reason: 'removed' }, { app, corr: 17n })
  ]
  const seen: Seen[] = []
  for (const [n, call] of calls.entries()) {
    await stream.write(call)
    const answer = await stream.next(({ corr }) => corr === 11n + BigInt(n), ANSWER_MS)
    if (answer !== undefined) seen.push(answer)
  }
  return seen
}

function proofOf(hub: string, { from, to }: Claims, nonces: JsonObject): JsonObject {
  const nowS = Math.floor(Date.now() / 1000)
  const statement = {
    epoch: 1,
    hub,
    node: 'node1',
    not_after: nowS + 3600,
    not_before: nowS - 3600,
    peer_id: from,
    role: 'link'
  }
  const treaty = {
    classes: [],
    quotas: { bytes_per_s: 1_048_576, calls_per_s: 100, streams: 8 },
    rows: [],
    verbs: [],
    window_s: 86_400,
    witness: false
  }
  return {
    delegation: { signature: Buffer.alloc(64, 7).toString('base64'), statement },
    facts: { revocation_seq: 0, treaty },
    from,
    nonces,
    purpose: 'link',
    role: 'initiator',
    to
  }
}

const hex = (bytes: number): string => randomBytes(bytes).toString('hex')

function nonceIn(payload: Uint8Array): string | undefined {
  return /"nonce":"([0-9a-f]{64})"/.exec(Buffer.from(payload).toString('latin1'))?.[1]
}

/** Members in their order, as the handshake signs them. */
function canonical(value: JsonObject): Uint8Array {
  return Buffer.from(JSON.stringify(sorted(value)))
}

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(members.map(([name, member]) => [name, sorted(member)]))
}
