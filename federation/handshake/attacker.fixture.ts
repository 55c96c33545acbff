import type { Delegation } from '../delegation.ts'
import {
  FACTS,
  NOW,
  delegationOf,
  edited,
  hubOf,
  isProof,
  keyOf,
  nonceOf,
  party,
  peerOf
} from './handshake.fixture.ts'
import { initiate, initiatorTick, proceed } from './initiator.ts'
import type { Dialled, Initiator } from './initiator.ts'
import type { Side } from './messages.ts'
import type { Message, Moment, Outcome, Party } from './party.ts'
import { newResponder, respond, responderTick } from './responder.ts'
import type { Responder } from './responder.ts'
import { signTranscript, transcriptDigest } from './transcript.ts'

type State = Initiator | Responder

/** One side of one connection, and all that it said and came to. */
export class Machine {
  readonly role: Side
  readonly party: Party
  readonly dialled: Dialled
  readonly sent: Message[] = []
  readonly outcomes: Outcome[] = []
  /** Those that it signed: fields 1 to 6 of an initiator that sent its proof. */
  signed: readonly Uint8Array[] | undefined
  state: State

  constructor(role: Side, own: Party, dialled: Dialled) {
    this.role = role
    this.party = own
    this.dialled = dialled
    this.state = newResponder()
    if (role === 'initiator') this.#took(initiate(own, dialled, NOW))
  }

  hear(message: Message, at: Moment): void {
    this.#took(
      this.role === 'initiator'
        ? proceed(this.party, this.dialled, this.state as Initiator, message, at)
        : respond(this.party, this.dialled, this.state as Responder, message, at)
    )
  }

  wait(at: Moment): void {
    this.#took(
      this.role === 'initiator'
        ? initiatorTick(this.dialled, this.state as Initiator, at)
        : responderTick(this.dialled, this.state as Responder, at)
    )
  }

  /** The fields of its transcript so far. */
  get fields(): readonly Uint8Array[] {
    return 'fields' in this.state ? this.state.fields : []
  }

  #took({ state, send, outcome }: { state: State; send?: Message; outcome?: Outcome }): void {
    this.state = state
    if (outcome !== undefined) this.outcomes.push(outcome)
    if (send === undefined) return
    this.sent.push(send)
    if (this.role === 'initiator' && send.kind === 'proof') this.signed = this.fields
  }
}

interface Aimed {
  readonly to: number
  readonly message: number
}
type Attack =
  | (Aimed & { readonly do: 'replay' })
  | (Aimed & { readonly do: 'flip'; readonly at: number; readonly bit: number })
  | (Aimed & { readonly do: 'forge'; readonly as: string; readonly purpose: 'link' | 'pair' })

/** What the attacker does with the messages under way; numbers choose, whatever their size. */
export type Move =
  | { readonly do: 'pass' | 'drop'; readonly wire: number }
  | { readonly do: 'wait'; readonly ms: number }
  | Attack

/**
 * Nodes a and b, which allow each other and m, and m, which is the attacker's. Two connections from a to b, one from b to
 * a, and from each to m, who carries messages between those. The attacker sees and changes every message on all of them:
 * more than a channel leaves to anybody.
 */
export class Network {
  readonly machines: readonly Machine[]
  readonly wires: readonly (readonly [Machine, Machine])[]
  readonly #passed = new Map<Machine, number>()
  #ms = 0

  constructor() {
    const a = party('a', ['b', 'm'])
    const b = party('b', ['a', 'm'])
    const wire = (n: number, from: Party, to: Party, ends: { to: string; from: string; hub: string }) =>
      [
        new Machine('initiator', from, {
          peer: peerOf(ends.to),
          nonce: nonceOf(`i${n}`),
          hub: hubOf(ends.hub)
        }),
        new Machine('responder', to, { peer: peerOf(ends.from), nonce: nonceOf(`r${n}`), hub: '' })
      ] as const
    this.wires = [
      wire(0, a, b, { to: 'b', from: 'a', hub: 'b' }),
      wire(1, a, b, { to: 'b', from: 'a', hub: 'b' }),
      wire(2, b, a, { to: 'a', from: 'b', hub: 'a' }),
      wire(3, a, b, { to: 'm', from: 'm', hub: 'b' }),
      wire(4, a, b, { to: 'm', from: 'm', hub: 'm' })
    ]
    this.machines = this.wires.flat()
  }

  play(move: Move): void {
    switch (move.do) {
      case 'pass':
      case 'drop':
        return this.#carry(this.wires[move.wire % this.wires.length]!, move.do)
      case 'wait':
        this.#ms += move.ms
        return this.machines.forEach(machine => machine.wait(this.#at()))
      default:
        return this.#attack(move)
    }
  }

  #attack(move: Attack): void {
    const to = this.machines[move.to % this.machines.length]!
    const all = this.machines.flatMap(({ sent }) => sent)
    const fitting = move.do === 'forge' ? all.filter(({ kind }) => kind === awaited(to)) : []
    const some = fitting.length > 0 ? fitting : all
    const message = some[move.message % some.length]!
    if (move.do === 'replay') to.hear(message, this.#at())
    else if (move.do === 'flip') to.hear(flipped(message, move.at, move.bit), this.#at())
    else to.hear(forged(to, message, move.as, move.purpose), this.#at())
  }

  /** The oldest message of a wire that is under way goes to its end, or nowhere. */
  #carry(ends: readonly [Machine, Machine], what: 'pass' | 'drop'): void {
    for (const [from, to] of [ends, ends.toReversed()] as readonly (readonly [Machine, Machine])[]) {
      const n = this.#passed.get(from) ?? 0
      const message = from.sent[n]
      if (message === undefined) continue
      this.#passed.set(from, n + 1)
      if (what === 'pass') to.hear(message, this.#at())
      return
    }
  }

  #at(): Moment {
    return { ms: NOW.ms + this.#ms, s: NOW.s + Math.floor(this.#ms / 1000) }
  }
}

/** What a machine would take next. */
const awaited = ({ state: { phase } }: Machine): Message['kind'] => (phase === 'over' ? 'proof' : phase)

function flipped(message: Message, at: number, bit: number): Message {
  const target = isProof(message) && at % 3 === 0 ? message.signature : message.body
  const changed = Buffer.from(target)
  changed[at % changed.length]! ^= 1 << (bit % 8)
  return target === message.body
    ? { ...message, body: changed }
    : ({ ...message, signature: changed } as Message)
}

/** A message made to fit where it goes, with a delegation of any hub, signed by the only key that the attacker has. */
function forged(to: Machine, message: Message, as: string, purpose: 'link' | 'pair'): Message {
  const { peer } = to.dialled
  const mine = to.role === 'initiator' ? 'responder' : 'initiator'
  const known = heard(to)
  const fitting = edited(message, members => ({
    from: peer,
    to: to.party.peerId,
    ...(message.kind === 'challenge' && {
      answers: to.dialled.nonce,
      delegation: json(delegationOf(as)),
      nonce: nonceOf('forged')
    }),
    ...(message.kind === 'hello' && { nonce: nonceOf('forged') }),
    ...(message.kind === 'proof' && {
      role: mine,
      purpose,
      facts: purpose === 'link' ? (members['facts'] ?? FACTS) : undefined,
      delegation: mine === 'initiator' ? json(delegationOf(as)) : undefined,
      nonces: { [mine]: known, [to.role]: to.dialled.nonce }
    })
  }))
  if (!isProof(fitting)) return fitting
  const digest = transcriptDigest([...to.fields, fitting.body])
  return { ...fitting, purpose, signature: signTranscript(keyOf('node m'), mine, digest) }
}

/** The nonce that a machine was shown. */
function heard({ state }: Machine): string {
  if ('hello' in state) return state.hello.nonce
  return 'challenge' in state ? state.challenge.nonce : nonceOf('forged')
}

const json = ({ signature, statement }: Delegation): object => ({
  signature: Buffer.from(signature).toString('base64'),
  statement
})
