import { setTimeout as sleep } from 'node:timers/promises'
import {
  HANDSHAKE,
  REFUSALS,
  isVeiled,
  newResponder,
  respond,
  responderTick
} from '../../federation/index.ts'
import type {
  Channel,
  Established,
  Message,
  Moment,
  Outcome,
  Party,
  ProofMessage,
  RefusalCode,
  Refused,
  Responder
} from '../../federation/index.ts'
import { OapError } from '../../protocols/index.ts'
import type { ConnectionState } from '../../protocols/index.ts'

export interface RespondingOptions {
  readonly party: Party
  readonly now: () => Moment
  readonly nonce: () => string
  /** Makes a peer that proved itself a link, or a pairing. It is answered afterwards; not at all if this throws. */
  readonly established: (connection: ConnectionState, peer: Established) => void
  /** Records how a handshake ended, before the peer is answered. */
  readonly ended: (outcome: Outcome) => Promise<void>
}

interface Handshake {
  readonly channel: Channel
  state: Responder
  timer: NodeJS.Timeout | undefined
}

/**
 * Answers handshakes that peers begin, one in the life of each connection, and none where this node began it. What it
 * keeps of one under way is a few kilobytes for at most five seconds, of at most 256 at a time: one more ends the one
 * that has waited longest.
 */
export class Responding {
  readonly #o: RespondingOptions
  readonly #handshakes = new WeakMap<ConnectionState, Handshake>()
  readonly #open = new Set<Handshake>()

  constructor(options: RespondingOptions) {
    this.#o = options
  }

  /** Handshakes that wait for their proof. */
  get open(): number {
    return this.#open.size
  }

  /** The challenge for a hello. @throws OapError with what the peer is told. */
  async hello(connection: ConnectionState, body: Uint8Array): Promise<Uint8Array> {
    const answer = await this.#judge(connection, { kind: 'hello', body })
    return answer.body
  }

  /** The proof for a proof. @throws OapError likewise. */
  async prove(connection: ConnectionState, proof: Omit<ProofMessage, 'kind'>): Promise<ProofMessage> {
    return (await this.#judge(connection, { kind: 'proof', ...proof })) as ProofMessage
  }

  /** This node is about to begin the handshake of a connection: false, and it must not, where the peer has begun one. */
  begin(connection: ConnectionState): boolean {
    if (this.#handshakes.has(connection)) return false
    this.#goOn(this.#of(connection), { phase: 'over' })
    return true
  }

  /** Ends the handshake of a connection without a look at what came; yields what the peer is told, when it may be. */
  async refuse(connection: ConnectionState, code: RefusalCode): Promise<OapError> {
    const at = this.#o.now()
    this.#goOn(this.#of(connection), { phase: 'over' })
    const { peer } = connection
    const detail = 'not looked at'
    const holdMs = isVeiled(code) ? HANDSHAKE.refusalHoldMs : 0
    return this.#refusal({ kind: 'refused', code, role: 'responder', peer, detail, holdMs }, at)
  }

  /** The connection is closed. */
  forget(connection: ConnectionState): void {
    const handshake = this.#handshakes.get(connection)
    if (handshake !== undefined) this.#close(handshake)
  }

  stop(): void {
    for (const handshake of this.#open) this.#close(handshake)
  }

  async #judge(connection: ConnectionState, message: Message): Promise<Message> {
    const { party, now, established, ended } = this.#o
    const at = now()
    const handshake = this.#of(connection)
    const { state, send, outcome } = respond(party, handshake.channel, handshake.state, message, at)
    this.#goOn(handshake, state)
    if (outcome?.kind === 'refused') throw await this.#refusal(outcome, at)
    if (outcome !== undefined) {
      await ended(outcome)
      established(connection, outcome as Established)
    }
    if (send === undefined) throw new OapError('internal', 'a handshake without an answer')
    return send
  }

  #of(connection: ConnectionState): Handshake {
    const known = this.#handshakes.get(connection)
    if (known !== undefined) return known
    const channel = { peer: connection.peer, nonce: this.#o.nonce() }
    const handshake = { channel, state: newResponder(), timer: undefined }
    this.#handshakes.set(connection, handshake)
    return handshake
  }

  #goOn(handshake: Handshake, state: Responder): void {
    this.#close(handshake)
    handshake.state = state
    if (state.phase !== 'proof') return
    const [oldest] = this.#open
    if (oldest !== undefined && this.#open.size >= HANDSHAKE.open) this.#isDue(oldest, Infinity)
    this.#open.add(handshake)
    const wait = state.dueMs - this.#o.now().ms
    handshake.timer = setTimeout(() => this.#isDue(handshake), Math.max(0, wait) + 1).unref()
  }

  /** Ends a handshake whose proof is late at `ms`, by default now. */
  #isDue(handshake: Handshake, ms = this.#o.now().ms): void {
    const { state, outcome } = responderTick(handshake.channel, handshake.state, { ...this.#o.now(), ms })
    this.#goOn(handshake, state)
    // Nobody waits for it: what cannot be recorded now was nobody's right either.
    if (outcome !== undefined) this.#o.ended(outcome).catch(() => undefined)
  }

  #close(handshake: Handshake): void {
    clearTimeout(handshake.timer)
    this.#open.delete(handshake)
  }

  /** What is told leaves no sooner than its time: nobody is to see by it how much was looked at. */
  async #refusal(refused: Refused, at: Moment): Promise<OapError> {
    await this.#o.ended(refused)
    const early = at.ms + refused.holdMs - this.#o.now().ms
    if (early > 0) await sleep(early)
    const told = REFUSALS[refused.code].told ?? refused.code
    const { counted, message } = REFUSALS[told]
    return new OapError(counted, message, { code: told })
  }
}
