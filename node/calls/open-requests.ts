import { ANONYMOUS } from '../ams/access/index.ts'
import type { Caller } from '../ams/access/index.ts'
import { Problem } from '../ams/routes/problem.ts'
import { Slots } from '../slots.ts'

interface OpenRequest {
  readonly name: string
  readonly ending: AbortController
}

/**
 * Requests under way with the name of who asks, so that they end with its token, or with what callers without one may do. As
 * many as the listener has open.
 */
export class OpenRequests {
  readonly #all = new Slots<OpenRequest>()

  /** Keeps a request until the function that this yields is called. What who shows no token reads never ends by itself. */
  add({ name }: Pick<Caller, 'name'>, ending: AbortController, writes: boolean): () => void {
    return name === ANONYMOUS && !writes ? () => undefined : this.#all.add({ name, ending })
  }

  /** Ends what is under way for these names, as a token that is not good is answered. */
  end(names: Iterable<string>): void {
    const ended = new Set(names)
    for (const { name, ending } of this.#all) if (ended.has(name)) ending.abort(takenBack())
  }

  /** Ends what callers without a token write, as who has none is answered. */
  endStrangersWrites(): void {
    for (const { name, ending } of this.#all) if (name === ANONYMOUS) ending.abort(tokenNeeded())
  }
}

const tokenNeeded = (): Problem =>
  new Problem('unauthorized', 'writes need a token from now on: send Authorization: Bearer TOKEN', {
    headers: { 'www-authenticate': 'Bearer realm="ams"' }
  })

const takenBack = (): Problem =>
  new Problem('unauthorized', 'the token was taken back', {
    headers: { 'www-authenticate': 'Bearer realm="ams", error="invalid_token"' }
  })
