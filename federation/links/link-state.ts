import { LINKS } from './numbers.ts'
import { isProbeDue } from './probing.ts'
import { retryDelayMs } from './retry.ts'

/** What there is between this node and one hub on its allowlist; times are by a clock that never goes back. */
export type LinkState =
  /** Nothing is under way; `dueMs` is when to dial, never where the hub has no address. */
  | { readonly is: 'waiting'; readonly dueMs: number; readonly failures: number }
  | { readonly is: 'dialling'; readonly sinceMs: number; readonly failures: number }
  | {
      readonly is: 'linked'
      readonly sinceMs: number
      readonly heardMs: number
      readonly missed: number
      /** When the probe that is under way was sent. */
      readonly probedMs?: number
      readonly failures: number
    }

export type LinkEvent =
  | { readonly event: 'tick' }
  /** A handshake succeeded, on a connection of either side. */
  | { readonly event: 'linked' }
  /** A dial of ours came to nothing: the hub was not reached, or one side refused; `wasRefused` where that lasts. */
  | { readonly event: 'failed'; readonly wasRefused: boolean }
  /** A call came over the link, or a probe was answered. */
  | { readonly event: 'heard' }
  | { readonly event: 'missed' }
  /** The connection of the link is gone. */
  | { readonly event: 'closed' }

export type LinkEffect = 'dial' | 'probe' | 'close'

export interface LinkStep {
  readonly state: LinkState
  readonly effect?: LinkEffect
}

export interface LinkMoment {
  readonly nowMs: number
  /** From 0 up to 1, for the wait before the next dial. */
  readonly random: number
  /** Whether the hub has an address; without one it has to dial this node. */
  readonly isDialable: boolean
}

/** A hub that was just allowed. */
export const newLink = (nowMs: number): LinkState => ({ is: 'waiting', dueMs: nowMs, failures: 0 })

/**
 * The life of a link:
 *
 * | state    | tick                     | linked       | failed  | heard  | missed              | closed  |
 * | -------- | ------------------------ | ------------ | ------- | ------ | ------------------- | ------- |
 * | waiting  | when due: dial, dialling | linked       | -       | -      | -                   | -       |
 * | dialling | -                        | linked       | waiting | -      | -                   | -       |
 * | linked   | when silent: probe       | linked, anew | -       | linked | 2nd: close, waiting | waiting |
 *
 * `-` changes nothing. A connection that loses to another one (`remaining`) is no event here.
 */
export function linkStep(state: LinkState, event: LinkEvent, at: LinkMoment): LinkStep {
  if (event.event === 'linked') return linked(state, at)
  switch (state.is) {
    case 'waiting':
      return event.event === 'tick' && at.isDialable && at.nowMs >= state.dueMs
        ? {
            state: { is: 'dialling', sinceMs: at.nowMs, failures: state.failures },
            effect: 'dial'
          }
        : { state }
    case 'dialling':
      return event.event === 'failed'
        ? { state: waiting(state.failures + 1, event.wasRefused, at) }
        : { state }
    case 'linked':
      return whileLinked(state, event, at)
  }
}

function whileLinked(state: LinkState & { is: 'linked' }, { event }: LinkEvent, at: LinkMoment): LinkStep {
  const { probedMs, ...rest } = state
  if (event === 'tick') {
    const isDue = probedMs === undefined && isProbeDue(state, at.nowMs)
    return isDue ? { state: { ...rest, probedMs: at.nowMs }, effect: 'probe' } : { state }
  }
  if (event === 'heard') return { state: { ...rest, heardMs: at.nowMs, missed: 0 } }
  if (event === 'closed') return { state: ended(state, at) }
  if (event !== 'missed') return { state }
  const missed = state.missed + 1
  return missed >= LINKS.probesMissed
    ? { state: ended(state, at), effect: 'close' }
    : { state: { ...rest, missed } }
}

function linked(state: LinkState, { nowMs }: LinkMoment): LinkStep {
  return {
    state: { is: 'linked', sinceMs: nowMs, heardMs: nowMs, missed: 0, failures: state.failures }
  }
}

/** A link that did not last is one more failure: two nodes that lose each other at once do not dial without end. */
function ended({ sinceMs, failures }: LinkState & { is: 'linked' }, at: LinkMoment): LinkState {
  const isSteady = at.nowMs - sinceMs >= LINKS.steadyMs
  return waiting(isSteady ? 1 : failures + 1, false, at)
}

const waiting = (failures: number, wasRefused: boolean, { nowMs, random }: LinkMoment): LinkState => ({
  is: 'waiting',
  dueMs: nowMs + retryDelayMs({ failures, wasRefused }, random),
  failures
})
