import { isSameFingerprint, pairingFingerprint } from './fingerprint.ts'

/** Failed proofs after which an invite is void. */
export const MAX_FAILURES = 5
/** Between one call of `pair` and the next, whoever calls. */
export const PAIR_INTERVAL_MS = 1000
/** How long a pairing waits for the operator, in seconds. */
export const CONFIRM_S = 15 * 60
/** The most pairings that wait at one time. */
export const MAX_WAITING = 16

/** An invite that this hub gave out, as far as it keeps it. */
export interface OpenInvite {
  /** SHA-256 of the secret. */
  readonly digest: Uint8Array
  /** Unix seconds. */
  readonly expires: number
  readonly failures: number
}

/** A hub that proved that it knows an invite, or whose invite this hub used; it may do nothing yet. */
export interface WaitingPairing {
  readonly hub: string
  /** Where it can be dialled; may be empty. */
  readonly addresses: readonly string[]
  /** Whether this hub gave the invite out. */
  readonly isInviter: boolean
  /** The transcript id of the handshake, 64 hex digits. */
  readonly transcript: string
  /** What both operators compare. */
  readonly fingerprint: string
  /** Unix seconds. */
  readonly expires: number
}

/** Invites and pairings of one node. A value that ends with the process: after a restart operators begin anew. */
export interface Pairings {
  readonly open: OpenInvite | undefined
  /** Milliseconds, when `pair` was called last. */
  readonly calledMs: number | undefined
  /** At most one for each hub. */
  readonly waiting: readonly WaitingPairing[]
}

export const NO_PAIRINGS: Pairings = { open: undefined, calledMs: undefined, waiting: [] }

/** What a decision leads to, and why it is refused, if it is. @see specs/federation-links.md, section 8.2 */
export interface Decided<Why extends string> {
  readonly pairings: Pairings
  readonly refusal?: Why
}

/** An invite is given out; one that was open is void. */
export const inviteOpened = (
  pairings: Pairings,
  invite: Pick<OpenInvite, 'digest' | 'expires'>
): Pairings => ({
  ...pairings,
  open: { ...invite, failures: 0 }
})

/** The invite is taken back. */
export const inviteClosed = (pairings: Pairings): Pairings => ({ ...pairings, open: undefined })

/** The invite that is open at a time; undefined where there is none. */
export const openInviteAt = ({ open }: Pairings, nowS: number): OpenInvite | undefined =>
  open !== undefined && nowS < open.expires ? open : undefined

/** Somebody calls `pair`: whether it is looked at. What is refused here has cost no cryptography. */
export function pairCalled(
  pairings: Pairings,
  { ms, s }: { readonly ms: number; readonly s: number }
): Decided<'no_invite' | 'too_fast'> & { readonly retryAfterMs?: number } {
  if (openInviteAt(pairings, s) === undefined)
    return { pairings: inviteClosed(pairings), refusal: 'no_invite' }
  const wait = (pairings.calledMs ?? -Infinity) + PAIR_INTERVAL_MS - ms
  if (wait > 0) return { pairings, refusal: 'too_fast', retryAfterMs: wait }
  return { pairings: { ...pairings, calledMs: ms } }
}

/** A proof did not fit the open invite. The fifth makes it void. */
export function proofFailed(pairings: Pairings): Pairings {
  const { open } = pairings
  if (open === undefined) return pairings
  const failures = open.failures + 1
  return failures >= MAX_FAILURES ? inviteClosed(pairings) : { ...pairings, open: { ...open, failures } }
}

/** Who paired, and how. */
export type Paired = Pick<WaitingPairing, 'hub' | 'addresses' | 'isInviter' | 'transcript'> & {
  /** The digest of the invite of this hub that was proved; of no meaning where it is another hub's. */
  readonly invite?: Uint8Array | undefined
}

/**
 * A handshake for a pairing succeeded. The invite of this hub that it proved is used up by it, also when the pairing is
 * refused; one that was given out meanwhile stays as it is. With one hub the later pairing counts.
 */
export function hubPaired(pairings: Pairings, by: Paired, nowS: number): Decided<'no_invite' | 'full'> {
  const { invite, ...paired } = by
  const open = openInviteAt(pairings, nowS)
  const isProved = by.isInviter && open !== undefined && isSame(open.digest, invite)
  const rest = isProved || open === undefined ? inviteClosed(pairings) : pairings
  if (by.isInviter && !isProved) return { pairings: rest, refusal: 'no_invite' }
  const waiting = waitingPairings(rest, nowS).filter(({ hub }) => hub !== by.hub)
  if (waiting.length >= MAX_WAITING) return { pairings: { ...rest, waiting }, refusal: 'full' }
  const added = { ...paired, fingerprint: pairingFingerprint(by.transcript), expires: nowS + CONFIRM_S }
  return { pairings: { ...rest, waiting: [...waiting, added] } }
}

const isSame = (digest: Uint8Array, other: Uint8Array | undefined): boolean =>
  other?.length === digest.length && digest.every((byte, at) => byte === other[at])

/** Pairings that an operator may still confirm. */
export const waitingPairings = ({ waiting }: Pairings, nowS: number): readonly WaitingPairing[] =>
  waiting.filter(({ expires }) => nowS < expires)

/**
 * This hub's operator confirms what they see: the pairing leads to an entry of the allowlist. A fingerprint that is
 * not the one shown ends the pairing, because the operators look at two different ones.
 */
export function pairingConfirmed(
  pairings: Pairings,
  { hub, fingerprint }: Pick<WaitingPairing, 'hub' | 'fingerprint'>,
  nowS: number
): Decided<'not_waiting' | 'wrong_fingerprint'> & { readonly pairing?: WaitingPairing } {
  const waiting = waitingPairings(pairings, nowS)
  const pairing = waiting.find(one => one.hub === hub)
  const left = { ...pairings, waiting: waiting.filter(one => one !== pairing) }
  if (pairing === undefined) return { pairings: left, refusal: 'not_waiting' }
  if (!isSameFingerprint(fingerprint, pairing.fingerprint))
    return { pairings: left, refusal: 'wrong_fingerprint' }
  return { pairings: left, pairing }
}

/** This hub's operator does not want it. */
export const pairingDeclined = (pairings: Pairings, hub: string): Pairings => ({
  ...pairings,
  waiting: pairings.waiting.filter(one => one.hub !== hub)
})
