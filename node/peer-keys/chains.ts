import type { Succession } from '../../federation/index.ts'

/**
 * Successions by both of their ends: the chain of a hub is found without a look at all others. One over another holds
 * what is not durable yet; nothing is changed in the one below until `add`.
 */
export class Chains {
  readonly #below: Chains | undefined
  readonly #byHub = new Map<string, Succession>()
  readonly #bySuccessor = new Map<string, Succession>()

  constructor(below?: Chains) {
    this.#below = below
  }

  get all(): readonly Succession[] {
    return [...(this.#below?.all ?? []), ...this.#byHub.values()]
  }

  /** By which a hub ended. */
  next(hub: string): Succession | undefined {
    return this.#byHub.get(hub) ?? this.#below?.next(hub)
  }

  /** The chain that a hub is in, the oldest first; none where nothing is known. */
  of(hub: string): readonly Succession[] {
    return [...this.#before(hub), ...this.#after(hub)]
  }

  /** All hub ids of that chain, in their order; the hub alone where nothing is known. */
  hubs(hub: string): readonly string[] {
    const before = this.#before(hub).map(({ statement }) => statement.hub)
    return [...before, hub, ...this.successors(hub)]
  }

  /** Those that come after a hub, in their order. */
  successors(hub: string): readonly string[] {
    return this.#after(hub).map(({ statement }) => statement.successor)
  }

  add(succession: Succession): void {
    this.#byHub.set(succession.statement.hub, succession)
    this.#bySuccessor.set(succession.statement.successor, succession)
  }

  delete({ statement: { hub, successor } }: Succession): void {
    this.#byHub.delete(hub)
    this.#bySuccessor.delete(successor)
  }

  /** By which it came after another. */
  previous(hub: string): Succession | undefined {
    return this.#bySuccessor.get(hub) ?? this.#below?.previous(hub)
  }

  #before(hub: string): readonly Succession[] {
    return walk(
      () => this.previous(hub),
      ({ statement }) => this.previous(statement.hub)
    ).toReversed()
  }

  #after(hub: string): readonly Succession[] {
    return walk(
      () => this.next(hub),
      ({ statement }) => this.next(statement.successor)
    )
  }
}

/** One after the other; it ends where rows that somebody changed make a circle, too. */
function walk(
  first: () => Succession | undefined,
  next: (one: Succession) => Succession | undefined
): readonly Succession[] {
  const seen = new Set<Succession>()
  for (let at = first(); at !== undefined && !seen.has(at); at = next(at)) seen.add(at)
  return [...seen]
}
