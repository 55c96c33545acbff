import { federationService } from '../../protocols/index.ts'
import type { Call, ConnectionState, Guard } from '../../protocols/index.ts'

/** Which connection a call of the federation service came by; handlers of other services need not know. */
export class CallConnections {
  readonly #ofCall = new WeakMap<object, ConnectionState>()

  /** Undefined for a call that no guard of `noting` saw. */
  of(call: Call): ConnectionState | undefined {
    return this.#ofCall.get(call)
  }

  /** The guard `judge`, with a note of each call of the federation service that it is asked about. */
  noting(judge: Guard): Guard {
    return head => {
      if (head.call.app === federationService.app) this.#ofCall.set(head.call, head.connection)
      return judge(head)
    }
  }
}
