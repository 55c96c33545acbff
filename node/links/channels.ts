import { federationService } from '../../protocols/index.ts'
import type { Call, ConnectionState, Guard } from '../../protocols/index.ts'

/** Which connection a call of the federation service came by; handlers of other services need not know. */
export class Channels {
  readonly #ofCall = new WeakMap<object, ConnectionState>()

  /** Undefined for a call that no guard of `opening` saw. */
  of(call: Call): ConnectionState | undefined {
    return this.#ofCall.get(call)
  }

  /**
   * The guard `others`, with the federation service open to every connection: what may call it proves itself in the
   * call, or has done so before. The budget of its connection has let the call through already.
   */
  opening(others: Guard): Guard {
    return head => {
      if (head.call.app !== federationService.app) return others(head)
      this.#ofCall.set(head.call, head.connection)
      return undefined
    }
  }
}
