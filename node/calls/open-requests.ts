import { ANONYMOUS } from '../ams/access/index.ts'
import type { Caller } from '../ams/access/index.ts'
import { Problem } from '../ams/routes/problem.ts'
import { Slots } from '../slots.ts'

interface OpenRequest {
  readonly name: string
  readonly ending: AbortController
}

/** Requests under way with the name of who asks, so that they end with its token. As many as the listener has open. */
export class OpenRequests {
  readonly #all = new Slots<OpenRequest>()

  /** Keeps a request until the function that this yields is called. Who shows no token has none that could end. */
  add({ name }: Pick<Caller, 'name'>, ending: AbortController): () => void {
    return name === ANONYMOUS ? () => undefined : this.#all.add({ name, ending })
  }

  /** Ends what is under way for these names, as a token that is not good is answered. */
  end(names: Iterable<string>): void {
    const ended = new Set(names)
    for (const { name, ending } of this.#all) if (ended.has(name)) ending.abort(takenBack())
  }
}

const takenBack = (): Problem =>
  new Problem('unauthorized', 'the token was taken back', {
    headers: { 'www-authenticate': 'Bearer realm="ams", error="invalid_token"' }
  })
