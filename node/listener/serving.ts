import type { Server } from 'node:net'

/**
 * Waits until `signal` aborts. From then on an error of the server is nobody's: whoever called closes it.
 * @throws what ended the server before: its error, or that it was closed.
 */
export function serving(server: Server, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    server.on('error', reject)
    server.once('close', () => reject(new Error('the listener was closed')))
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
