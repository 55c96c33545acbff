import { HANDSHAKE, initiate, initiatorTick, proceed, turnedAway } from '../../federation/index.ts'
import type { Dialled, Initiator, Message, Moment, Outcome, Party, Step } from '../../federation/index.ts'
import { OapError, federationService } from '../../protocols/index.ts'
import type { ConnectionCaller } from '../../protocols/index.ts'

export interface InitiatingOptions {
  readonly party: Party
  readonly now: () => Moment
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/**
 * Proves this hub to the peer of a connection, and has the peer prove itself. The connection is to be closed when what
 * it yields is neither a link nor a pairing.
 * @throws OapError `upstream` when the connection is lost meanwhile; the reason of an aborted `signal`
 */
export async function shakeHands(
  caller: ConnectionCaller,
  dialled: Dialled,
  { party, now }: InitiatingOptions,
  { signal }: { readonly signal?: AbortSignal } = {}
): Promise<Outcome> {
  const options = { deadlineMs: HANDSHAKE.stepMs, ...(signal && { signal }) }
  let step: Step<Initiator> = initiate(party, dialled, now())
  while (step.outcome === undefined) {
    const { state, send } = step
    if (send === undefined) throw new Error('a handshake that waits for nothing')
    try {
      const answer = await ask(caller, send, options)
      step = proceed(party, dialled, state, answer, now())
    } catch (error) {
      step = failed(dialled, state, error, now())
    }
  }
  return step.outcome
}

interface Proved {
  readonly signature: string
  readonly mac?: string
  readonly body?: Uint8Array
}

type Asking = { readonly deadlineMs: number; readonly signal?: AbortSignal }

async function ask(caller: ConnectionCaller, message: Message, options: Asking): Promise<Message> {
  const hub = caller.client(federationService)
  if (message.kind === 'hello')
    return { kind: 'challenge', body: await hub.hello({ body: message.body }, options) }
  if (message.kind === 'challenge') throw new Error('an initiator challenges nobody')
  const { body, signature, mac, purpose } = message
  const proof = { body, signature: hex(signature) }
  const answer: Proved =
    mac === undefined ? await hub.prove(proof, options) : await hub.pair({ ...proof, mac: hex(mac) }, options)
  return {
    kind: 'proof',
    purpose,
    body: answer.body ?? new Uint8Array(0),
    signature: Buffer.from(answer.signature, 'hex'),
    ...(answer.mac !== undefined && { mac: Buffer.from(answer.mac, 'hex') })
  }
}

/** What the other side told, or that it told nothing in time. */
function failed(dialled: Dialled, state: Initiator, error: unknown, at: Moment): Step<Initiator> {
  if (!(error instanceof OapError) || error.reason === 'session_lost') throw error
  if (error.code !== 'deadline') return turnedAway(dialled, state, error.code)
  const late = state.phase === 'over' ? at.ms : Math.max(at.ms, state.dueMs)
  return initiatorTick(dialled, state, { ...at, ms: late })
}
