import type { Change, Outcome, Place, State } from './types.ts'

/** A message as the model knows it. */
interface Known {
  readonly place: Place
  readonly body: string
  state: State
  notBeforeMs: number | undefined
  expiresAtMs: number | undefined
  attempts: number
}

/** What a store of messages is, said in the simplest way: what it must agree with after every step. */
export class StoreModel {
  readonly #messages = new Map<string, Known>()
  readonly #keys = new Map<string, { id: string; hash: number; untilMs: number }>()
  readonly #windowMs: number

  constructor(windowMs: number) {
    this.#windowMs = windowMs
  }

  /** What the store should answer, the ids of new messages taken from its answer. */
  commit(changes: readonly Change[], nowMs: number, given: readonly Outcome[]): readonly Outcome[] {
    const conflicts = this.#conflicts(changes, nowMs)
    if (conflicts.includes(true)) return conflicts.map(is => ({ is: is ? 'conflict' : 'refused' }))
    const full = this.#full(changes, nowMs)
    if (full.includes(true)) return full.map(is => (is ? { is: 'full', of: 'topic' } : { is: 'refused' }))
    return changes.map((change, i) => this.#apply(change, nowMs, given[i]?.id))
  }

  note(place: Place, attempts: number): void {
    const known = this.#messages.get(place.id)
    if (known?.state === 'ready') known.attempts = attempts
  }

  /** The bodies of a topic in a state, in order. */
  bodies({ tenant, topic }: Pick<Place, 'tenant' | 'topic'>, state: State): string[] {
    const inOrder = (a: Known, b: Known): number =>
      (state === 'dead' ? 0 : b.place.priority - a.place.priority) || (a.place.id < b.place.id ? -1 : 1)
    return [...this.#messages.values()]
      .filter(({ place, state: at }) => place.tenant === tenant && place.topic === topic && at === state)
      .sort(inOrder)
      .map(({ body, attempts }) => `${body}:${attempts}`)
  }

  /** What is due by then, as sorted text. */
  due(nowMs: number): string[] {
    return [...this.#messages.values()]
      .flatMap(({ place, state, notBeforeMs, expiresAtMs }) => [
        ...(state === 'delayed' && notBeforeMs! <= nowMs
          ? [`${notBeforeMs} not_before ${state} ${place.id}`]
          : []),
        ...(expiresAtMs !== undefined && expiresAtMs <= nowMs
          ? [`${expiresAtMs} expires ${state} ${place.id}`]
          : [])
      ])
      .sort()
  }

  #conflicts(changes: readonly Change[], nowMs: number): boolean[] {
    const own = new Map<string, number>()
    return changes.map(change => {
      if (change.do !== 'append' || change.message.idem === undefined) return false
      const name = this.#name(change)
      const hash = change.message.idem.hash[0]!
      const earlier = this.#known(name, nowMs)?.hash ?? own.get(name) ?? hash
      own.set(name, earlier)
      return earlier !== hash
    })
  }

  /** What finds its topic full; all bounds of the tenant are wide. */
  #full(changes: readonly Change[], nowMs: number): boolean[] {
    const added = new Map<string, number>()
    const own = new Set<string>()
    return changes.map(change => {
      if (change.do !== 'append' || change.message.bounds === undefined) return false
      const { message } = change
      const name = this.#name(change)
      if (message.idem !== undefined && (own.has(name) || this.#known(name, nowMs) !== undefined))
        return false
      own.add(name)
      const topic = JSON.stringify([message.tenant, message.topic])
      const more = (added.get(topic) ?? 0) + 1
      const depth = this.bodies(message, 'ready').length + this.bodies(message, 'delayed').length
      if (depth + more > message.bounds!.depth) return true
      added.set(topic, more)
      return false
    })
  }

  #apply(change: Change, nowMs: number, id: string | undefined): Outcome {
    if (change.do === 'append') return this.#append(change, nowMs, id)
    if (change.do === 'note' || change.do === 'beside') return { is: 'done' }
    const known = this.#messages.get(change.place.id)
    const isThere =
      known !== undefined &&
      FROM[change.do].includes(known.state) &&
      known.place.topic === change.place.topic &&
      known.place.tenant === change.place.tenant
    if (!isThere) return { is: 'absent' }
    if (change.do === 'remove' || change.do === 'discard') this.#messages.delete(change.place.id)
    else if (change.do === 'promote') known.state = 'ready'
    else if (change.do === 'postpone')
      Object.assign(known, { state: 'delayed', notBeforeMs: change.notBeforeMs, attempts: change.attempts })
    else if (change.do === 'bury')
      Object.assign(known, { state: 'dead', expiresAtMs: change.expiresAtMs, attempts: change.attempts })
    else Object.assign(known, { state: 'ready', expiresAtMs: change.expiresAtMs, attempts: 0 })
    return { is: 'done' }
  }

  #append(change: Extract<Change, { do: 'append' }>, nowMs: number, id: string | undefined): Outcome {
    const { tenant, topic, priority, body, notBeforeMs, expiresAtMs, idem } = change.message
    const before = idem && this.#known(this.#name(change), nowMs)
    if (before !== undefined) return { is: 'duplicate', id: before.id }
    if (id === undefined) return { is: 'done' }
    const state = notBeforeMs !== undefined && notBeforeMs > nowMs ? 'delayed' : 'ready'
    this.#messages.set(id, {
      place: { tenant, topic, priority, id },
      body: Buffer.from(body).toString(),
      state,
      notBeforeMs,
      expiresAtMs,
      attempts: 0
    })
    if (idem !== undefined)
      this.#keys.set(this.#name(change), { id, hash: idem.hash[0]!, untilMs: nowMs + this.#windowMs })
    return { is: 'done', id, state }
  }

  #known(name: string, nowMs: number) {
    const known = this.#keys.get(name)
    return known !== undefined && known.untilMs > nowMs ? known : undefined
  }

  #name({ message }: Extract<Change, { do: 'append' }>): string {
    return JSON.stringify([message.tenant, message.topic, message.idem?.key])
  }
}

const FROM: Readonly<Record<Exclude<Change['do'], 'append' | 'note' | 'beside'>, readonly State[]>> = {
  remove: ['ready', 'delayed'],
  promote: ['delayed'],
  postpone: ['ready'],
  bury: ['ready', 'delayed'],
  redrive: ['dead'],
  discard: ['dead']
}
