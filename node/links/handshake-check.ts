import type { Connection } from '@libp2p/interface'
import { HANDSHAKE } from '../../federation/index.ts'
import type { Outcome, RefusalCode } from '../../federation/index.ts'
import type { AllowedHub } from '../allowlist/index.ts'
import type { CHECK_PROBLEMS } from '../audit/index.ts'
import { Turns } from '../turns.ts'
import type { Links } from './links.ts'
import { hangUp } from './peer-calls.ts'

/** What was shown by the other side of a target. */
export interface Verified {
  /** It proved the hub, by a key that the hub lets sign. */
  readonly signature: boolean
  /** The hub may federate here at this moment. */
  readonly allowlisted: boolean
  /** It answered now, and its clock differs by no more than 60 s. */
  readonly freshness: boolean
}

export interface Checked {
  readonly target: string
  readonly hub?: string
  /** Whether there is a link now. */
  readonly linked: boolean
  readonly verified: Verified
  /** The other clock less this one, in seconds. */
  readonly skew_s?: number
  /** Why it was not all verified. */
  readonly error?: CheckProblem
}

export type CheckProblem = RefusalCode | (typeof CHECK_PROBLEMS)[number]

export interface CheckingOptions {
  readonly links: Pick<Links, 'of' | 'answers'>
  /** Hubs that may link at this moment. */
  readonly allowed: () => readonly AllowedHub[]
  readonly dial: (address: string, signal: AbortSignal) => Promise<Connection>
  /** Proves this hub to the peer of a connection, and has it prove itself; a link comes of it, or not. */
  readonly shake: (connection: Connection, hub: string, signal: AbortSignal) => Promise<Outcome>
}

/**
 * Has hubs prove themselves now: each over its link where there is one, else by a handshake, which makes one. A target is a
 * hub id, or an address that stands with a hub of the allowlist; nothing else is dialled. Ends with `signal`, or with the
 * probe of a link that is under way then. Never rejects.
 */
export async function checkTargets(
  o: CheckingOptions,
  targets: readonly string[],
  signal: AbortSignal
): Promise<readonly Checked[]> {
  const allowed = o.allowed()
  // Two handshakes with one hub at once would be in each other's way.
  const turns = new Turns()
  return await Promise.all(
    targets.map(async target => {
      const entry = allowed.find(({ hub, addresses }) => hub === target || addresses.includes(target))
      if (entry === undefined)
        return { target, ...(!isAddress(target) && { hub: target }), ...failed('not_allowlisted') }
      const { hub } = entry
      const result = await turns.run(hub, () => checkHub(o, entry, target, signal))
      return { target, hub, ...result }
    })
  )
}

const isAddress = (target: string): boolean => target.startsWith('/')

async function checkHub(
  o: CheckingOptions,
  { hub, addresses }: AllowedHub,
  target: string,
  signal: AbortSignal
): Promise<Result> {
  if (signal.aborted) return failed('unreachable')
  const linked = await overLink(o, hub)
  if (linked !== undefined) return linked
  let result = failed('no_address')
  for (const address of isAddress(target) ? [target] : addresses) {
    result = await shaken(o, { address, hub }, signal)
    if (result.verified.signature || signal.aborted) break
  }
  // The node links by itself, too, and of two connections one is closed.
  const isOver = result.verified.signature || signal.aborted
  return isOver ? result : ((await overLink(o, hub)) ?? result)
}

async function overLink({ links }: CheckingOptions, hub: string): Promise<Result | undefined> {
  const link = links.of(hub)
  return link !== undefined && (await links.answers(link)) ? verdict(link.peer.skewS) : undefined
}

type Result = Pick<Checked, 'linked' | 'verified' | 'error' | 'skew_s'>

async function shaken(
  { dial, shake, links }: CheckingOptions,
  { address, hub }: { readonly address: string; readonly hub: string },
  signal: AbortSignal
): Promise<Result> {
  let connection: Connection | undefined
  try {
    connection = await dial(address, signal)
    const outcome = await shake(connection, hub, signal)
    if (outcome.kind === 'linked') return verdict(outcome.skewS, links.of(hub) !== undefined)
    hangUp(connection, 'no link')
    return failed(outcome.kind === 'refused' ? outcome.code : 'turned_away')
  } catch {
    if (connection !== undefined) hangUp(connection, 'no link')
    return failed('unreachable')
  }
}

function verdict(skewS: number, linked = true): Result {
  const freshness = Math.abs(skewS) <= HANDSHAKE.skewS
  return {
    linked,
    verified: { signature: true, allowlisted: true, freshness },
    skew_s: skewS,
    ...(!freshness && { error: 'skewed' })
  }
}

/** A hub that is found on the allowlist stays there, whatever failed. */
const failed = (error: CheckProblem): Result => ({
  linked: false,
  verified: { signature: false, allowlisted: error !== 'not_allowlisted', freshness: false },
  error
})
