import { setTimeout as sleep } from 'node:timers/promises'
import type { Handlers, Service } from '../../protocols/index.ts'
import { echoService } from '../../protocols/index.ts'

type EchoOperations = (typeof echoService)['operations']

const handlers: Handlers<EchoOperations> = {
  echo: ({ body }) => body ?? new Uint8Array(0),

  stream: (_request, { body }) => ({ head: undefined, body }),

  ticks: ({ count, interval_ms = 0 }, { signal }) => ticks(count, interval_ms, signal),

  work: ({ ms }) => {
    const until = performance.now() + ms
    while (performance.now() < until);
    return { ms }
  }
}

async function* ticks(count: number, intervalMs: number, signal: AbortSignal): AsyncGenerator<{ n: number }> {
  for (let n = 0; n < count; n++) {
    if (n > 0 && intervalMs > 0) await sleep(intervalMs, undefined, { signal })
    if (signal.aborted) return
    yield { n }
  }
}

/** The echo service: gives back what it gets, for tests, benches and `omnigate echo`. */
export const echo: Service<EchoOperations> = { table: echoService, handlers }
