import { startHttp } from './http.ts'
import type { HttpSources } from './http.ts'
import { parseHostPort } from './config/index.ts'
import type { SessionClock } from './listener/session-clock.ts'
import type { SupervisedPart } from './supervision.ts'

/** Resolves when `signal` aborts. */
export const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise(resolve => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })

/** The HTTP listener as a part that is restarted when it crashes. `onUrl` hears each address that it took. */
export const httpPart = (
  listen: string,
  sources: HttpSources,
  onUrl: (url: string) => void
): SupervisedPart => ({
  service: 'http',
  crashReason: 'crash_listener',
  async run(started, signal) {
    const http = await startHttp(parseHostPort(listen)!, sources)
    onUrl(http.url)
    started()
    await aborted(signal)
    await http.stop()
  }
})

/** The clock that closes slow and idle sessions. Its crash is one of the sessions' code. */
export const clockPart = (clock: SessionClock): SupervisedPart => ({
  service: 'sessions',
  crashReason: 'crash_exception',
  run: (started, signal) => clock.run(started, signal)
})
