import { OapError } from '../../protocols/index.ts'
import type { Call, Handlers, federationService } from '../../protocols/index.ts'
import type { LiveLink } from './live-link.ts'

type Rows = Handlers<(typeof federationService)['operations']>
type Answer<K extends keyof Rows> = ReturnType<Rows[K]>

/** Rows of the federation service that parts of their own answer, and only over a link. */
export type OverLink =
  'witness' | 'head' | 'log_proof' | 'equivocation' | 'snapshot' | 'deliver' | 'share_state' | 'share_pull'

/** How each is answered, for whoever is at the other side of a link. */
export type OverLinkHandlers = {
  readonly [K in OverLink]: (request: Parameters<Rows[K]>[0], link: LiveLink, call: Call) => Answer<K>
}

/** Those rows, answered by what was handed in by then; `not_ready` before. */
export class OverLinks {
  #handlers: Partial<OverLinkHandlers> = {}

  serve(handlers: Partial<OverLinkHandlers>): void {
    this.#handlers = { ...this.#handlers, ...handlers }
  }

  /**
   * The handlers for the service; `linkOf` gives the link that a call came over, or throws, also where there are too many.
   * `anyLinkOf` leaves the number of calls to the handler.
   */
  rows(linkOf: (call: Call) => LiveLink, anyLinkOf: (call: Call) => LiveLink): Pick<Rows, OverLink> {
    const row =
      <K extends OverLink>(name: K, from = linkOf) =>
      (request: Parameters<Rows[K]>[0], call: Call): Answer<K> => {
        const link = from(call)
        const handler = this.#handlers[name]
        if (handler === undefined) throw new OapError('not_ready')
        return handler(request as never, link, call) as Answer<K>
      }
    return {
      witness: row('witness'),
      head: row('head'),
      log_proof: row('log_proof'),
      equivocation: row('equivocation'),
      snapshot: row('snapshot'),
      deliver: row('deliver', anyLinkOf),
      share_state: row('share_state', anyLinkOf),
      share_pull: row('share_pull', anyLinkOf)
    }
  }
}
