import { type Succession, successionProblem } from './succession.ts'

/** The most successions in one chain. */
export const MAX_SUCCESSIONS = 64

/** Why a succession is not taken. @see specs/federation-links.md, section 6.2 */
export type SuccessionRefusal = 'signature' | 'successor_signature' | 'cycle' | 'taken' | 'full'

export type LearnedSuccession =
  | { readonly verdict: 'new' | 'known'; readonly known: readonly Succession[] }
  | { readonly verdict: 'refused'; readonly why: SuccessionRefusal }
  /** Proof against the hub for everybody: it named two successors. */
  | { readonly verdict: 'equivocation'; readonly proof: readonly [Succession, Succession] }

/** What is known with one more succession, once both hubs' signatures were found to fit. By itself it changes nobody's allowlist. */
export function learnSuccession(known: readonly Succession[], succession: Succession): LearnedSuccession {
  const problem = successionProblem(succession)
  if (problem !== undefined) return { verdict: 'refused', why: problem }
  const { hub, successor } = succession.statement
  const held = known.find(({ statement }) => statement.hub === hub)
  if (held?.statement.successor === successor) return { verdict: 'known', known }
  if (held !== undefined) return { verdict: 'equivocation', proof: [held, succession] }
  if (hubChain(known, successor).includes(hub)) return { verdict: 'refused', why: 'cycle' }
  if (known.some(({ statement }) => statement.successor === successor))
    return { verdict: 'refused', why: 'taken' }
  const chain = hubsBefore(known, hub) + hubChain(known, successor).length
  if (chain > MAX_SUCCESSIONS) return { verdict: 'refused', why: 'full' }
  return { verdict: 'new', known: [...known, succession] }
}

/** A hub id and those that came after it, in their order; itself alone where nothing is known. */
export function hubChain(known: readonly Succession[], hub: string): readonly string[] {
  const next = new Map(known.map(({ statement }) => [statement.hub, statement.successor]))
  const chain: string[] = []
  for (let at: string | undefined = hub; at !== undefined; at = next.get(at)) chain.push(at)
  return chain
}

/** How many hub ids came before one. */
function hubsBefore(known: readonly Succession[], hub: string): number {
  const before = new Map(known.map(({ statement }) => [statement.successor, statement.hub]))
  let count = 0
  for (let at = before.get(hub); at !== undefined; at = before.get(at)) count++
  return count
}

/**
 * Why an operator cannot put a successor in the place of a hub on their allowlist; undefined when they can. Then the
 * treaty and addresses are the successor's, and the hub that ended is not allowed any more.
 */
export function confirmationProblem(
  known: readonly Succession[],
  isAllowed: (hub: string) => boolean,
  { hub, successor }: { readonly hub: string; readonly successor: string }
): 'not_allowed' | 'not_successor' | 'already_allowed' | undefined {
  if (!isAllowed(hub)) return 'not_allowed'
  if (!hubChain(known, hub).slice(1).includes(successor)) return 'not_successor'
  return isAllowed(successor) ? 'already_allowed' : undefined
}
