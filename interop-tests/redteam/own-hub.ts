import { createHash, createPublicKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { federationService } from 'omnigate/protocols'
import type { JsonObject } from 'omnigate/protocols'
import type { Attacker } from './attacker.ts'
import { request } from './raw-frame.ts'
import type { RawStream, Seen } from './raw-stream.ts'
import { multiaddr } from '@multiformats/multiaddr'

const ANSWER_MS = 30_000
const LETTERS = 'abcdefghijklmnopqrstuvwxyz234567'
const SPKI_HEAD_BYTES = 12
const DAY_S = 86_400
const { app } = federationService

/** One that the attacked node allows, so that its handshakes cost the node all that they can. */
export class OwnHub {
  readonly #key = generateKeyPairSync('ed25519').privateKey
  readonly id: string

  constructor() {
    const spki = createPublicKey(this.#key).export({ format: 'der', type: 'spki' })
    this.id = hubIdOf(spki.subarray(SPKI_HEAD_BYTES))
  }

  /** The line of a delegation, or of the revocation of a key. */
  signed(tag: string, statement: JsonObject): JsonObject {
    const signature = sign(null, Buffer.from(`${tag}\n${canonical(statement)}`), this.#key)
    return { signature: signature.toString('base64'), statement }
  }
}

/** One handshake of an attacker in the name of a hub, step by step, over calls 1 and 2 of a stream. */
export class HubHandshake {
  readonly #hub: OwnHub
  readonly #attacker: Attacker
  readonly #node: string
  readonly #hello: string
  readonly #nonce = hex(32)

  constructor(hub: OwnHub, attacker: Attacker) {
    this.#hub = hub
    this.#attacker = attacker
    this.#node = multiaddr(attacker.target)
      .getComponents()
      .find(({ name }) => name === 'p2p')!.value!
    this.#hello = canonical({
      algs: ['ed25519-sha256'],
      boot: createHash('sha256').update(attacker.peer).digest('hex').slice(0, 32),
      federation: 'main',
      from: attacker.peer,
      nonce: this.#nonce,
      time: nowS(),
      to: this.#node,
      versions: [1]
    })
  }

  get hello(): Uint8Array {
    return request({ op: 'hello' }, { app, corr: 1n, body: Buffer.from(this.#hello) })
  }

  /** The challenge; undefined where none came. */
  async challenged(stream: RawStream): Promise<Seen | undefined> {
    stream.writeNow(this.hello)
    const challenge = await stream.next(({ corr }) => corr === 1n, ANSWER_MS)
    return challenge?.code === 0 ? challenge : undefined
  }

  /** The proof that fits the challenge. */
  async proof(challenge: Seen): Promise<Uint8Array> {
    const said = JSON.parse(Buffer.from(challenge.payload).toString()) as { nonce: string }
    const body = canonical({
      delegation: this.#delegation(),
      facts: { revocation_seq: 0, treaty: NOTHING_GRANTED },
      from: this.#attacker.peer,
      nonces: { initiator: this.#nonce, responder: said.nonce },
      purpose: 'link',
      role: 'initiator',
      to: this.#node
    })
    const digest = createHash('sha256').update('omnigate/handshake-transcript/1\n')
    for (const field of [this.#attacker.peer, this.#node, this.#hello, challenge.payload, body]) {
      const bytes = Buffer.from(field as string)
      const length = Buffer.alloc(4)
      length.writeUInt32LE(bytes.length)
      digest.update(length).update(bytes)
    }
    const signed = Buffer.concat([Buffer.from('omnigate/handshake-initiator/1\n'), digest.digest()])
    const signature = Buffer.from(await this.#attacker.sign(signed)).toString('hex')
    return request({ op: 'prove', signature }, { app, corr: 2n, body: Buffer.from(body) })
  }

  /** All of it; the answer to the proof, or to the hello where that was refused. */
  async made(stream: RawStream): Promise<Seen | undefined> {
    stream.writeNow(this.hello)
    const challenge = await stream.next(({ corr }) => corr === 1n, ANSWER_MS)
    if (challenge?.code !== 0) return challenge
    stream.writeNow(await this.proof(challenge))
    return stream.next(({ corr }) => corr === 2n, ANSWER_MS)
  }

  /** Tells over the link that the hub has revoked the key of the attacker. */
  revocation(): Uint8Array {
    const key = Buffer.from(this.#attacker.publicKey).toString('hex')
    const statement = { at: nowS(), hub: this.#hub.id, key, reason: 'stolen' }
    const line = `${canonical(this.#hub.signed('omnigate/key-revocation/1', statement))}\n`
    return request({ op: 'new_keys' }, { app, corr: 3n, body: Buffer.from(line) })
  }

  /** The same in every handshake of one attacker: two of one place would be proof against the hub. */
  #delegation(): JsonObject {
    return this.#hub.signed('omnigate/delegation/1', {
      epoch: 1,
      hub: this.#hub.id,
      node: createHash('sha256').update(this.#attacker.peer).digest('hex').slice(0, 16),
      not_after: this.#attacker.sinceS + DAY_S,
      not_before: this.#attacker.sinceS - DAY_S,
      peer_id: this.#attacker.peer,
      role: 'link'
    })
  }
}

const NOTHING_GRANTED = {
  classes: [],
  quotas: { bytes_per_s: 1_048_576, calls_per_s: 1, streams: 1 },
  rows: [],
  verbs: [],
  window_s: 604_800,
  witness: false
}

export const nowS = (): number => Math.floor(Date.now() / 1000)

const hex = (bytes: number): string => randomBytes(bytes).toString('hex')

function hubIdOf(publicKey: Uint8Array): string {
  const bits = Array.from(publicKey, byte => byte.toString(2).padStart(8, '0')).join('')
  const fives = bits.padEnd(260, '0').match(/.{5}/g)!
  return `h1${fives.map(five => LETTERS[Number.parseInt(five, 2)]).join('')}`
}

/** Members in their order, as hubs sign them. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(',')}}`
}
