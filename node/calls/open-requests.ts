import { ANONYMOUS } from '../ams/access/index.ts'
import type { Caller } from '../ams/access/index.ts'
import { Problem } from '../ams/routes/problem.ts'

/** Requests under way by the name of who asks, so that they end with its token. As many as the listener has open. */
export class OpenRequests {
  readonly #of = new Map<string, Set<AbortController>>()

  /** Keeps a request until the function that this yields is called. Who shows no token has none that could end. */
  add({ name }: Pick<Caller, 'name'>, request: AbortController): () => void {
    if (name === ANONYMOUS) return () => undefined
    const all = this.#of.get(name) ?? new Set()
    this.#of.set(name, all.add(request))
    return () => {
      all.delete(request)
      if (all.size === 0 && this.#of.get(name) === all) this.#of.delete(name)
    }
  }

  /** Ends what is under way for these names, as a token that is not good is answered. */
  end(names: Iterable<string>): void {
    for (const name of names) for (const request of this.#of.get(name) ?? []) request.abort(takenBack())
  }
}

const takenBack = (): Problem =>
  new Problem('unauthorized', 'the token was taken back', {
    headers: { 'www-authenticate': 'Bearer realm="ams", error="invalid_token"' }
  })
