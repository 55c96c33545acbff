/** A system as a set of states: what may happen in each, and what must hold in all. */
export interface Model<S> {
  readonly initial: S
  /** Each step that may happen, named for its action; states are not changed in place. */
  readonly steps: (state: S) => Iterable<readonly [action: string, next: S]>
  readonly invariants: Readonly<Record<string, (state: S) => boolean>>
}

export interface Explored<S> {
  readonly states: number
  /** How often each action was taken. */
  readonly actions: Readonly<Record<string, number>>
  /** The shortest way to a state in which an invariant does not hold. */
  readonly broken?: { readonly invariant: string; readonly way: readonly string[]; readonly state: S }
}

/** Goes through all states that can be reached, the nearest first. @throws Error when there are more than `most`. */
export function explore<S>({ initial, steps, invariants }: Model<S>, most: number): Explored<S> {
  const cameBy = new Map<string, readonly [from: string, action: string] | undefined>()
  const actions: Record<string, number> = {}
  const found = (state: S, key: string): Explored<S>['broken'] => {
    for (const [invariant, holds] of Object.entries(invariants))
      if (!holds(state)) return { invariant, way: wayTo(key, cameBy), state }
    return undefined
  }
  let edge: (readonly [string, S])[] = [[JSON.stringify(initial), initial]]
  cameBy.set(edge[0]![0], undefined)
  while (edge.length > 0) {
    const next: (readonly [string, S])[] = []
    for (const [key, state] of edge) {
      const broken = found(state, key)
      if (broken !== undefined) return { states: cameBy.size, actions, broken }
      for (const [action, to] of steps(state)) {
        const name = action.replace(/\(.*/, '')
        actions[name] = (actions[name] ?? 0) + 1
        const toKey = JSON.stringify(to)
        if (cameBy.has(toKey)) continue
        if (cameBy.size >= most) throw new Error(`there are more than ${most} states`)
        cameBy.set(toKey, [key, action])
        next.push([toKey, to])
      }
    }
    edge = next
  }
  return { states: cameBy.size, actions }
}

function wayTo(key: string, cameBy: ReadonlyMap<string, readonly [string, string] | undefined>): string[] {
  const way: string[] = []
  for (let step = cameBy.get(key); step !== undefined; step = cameBy.get(step[0])) way.unshift(step[1])
  return way
}
