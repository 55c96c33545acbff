import type { FastifyInstance } from 'fastify'

/** How a listener ends. */
export interface Draining {
  /**
   * Waits until nothing is under way any more, for at most `ms`; connections and requests are still taken. Yields how many
   * requests were under way then.
   */
  readonly idle: (ms: number) => Promise<number>
  /** No connection is taken any more, what is asked is still answered for a while, and then every connection ends. Safe to call twice. */
  readonly stop: () => Promise<void>
}

/** Counts what is under way; to be made before routes are added. `ms` is how long `stop` waits for answers. */
export function draining(app: FastifyInstance, ms: number): Draining {
  let underWay = 0
  let isOver = false
  let stopped: Promise<void> | undefined
  const waiting = new Set<() => void>()
  const endAll = (): void => app.server.closeAllConnections()
  app.addHook('onRequest', async (_, { raw }) => {
    underWay++
    raw.once('close', () => {
      if (--underWay > 0) return
      for (const tell of waiting) tell()
      if (isOver) endAll()
    })
  })
  const idle = async (mostMs: number): Promise<number> => {
    if (underWay === 0) return 0
    const { promise, resolve } = Promise.withResolvers<void>()
    const late = setTimeout(resolve, mostMs)
    waiting.add(resolve)
    await promise
    clearTimeout(late)
    waiting.delete(resolve)
    return underWay
  }
  const stop = async (): Promise<void> => {
    isOver = true
    const late = setTimeout(endAll, ms)
    const closed = app.close()
    if (underWay === 0) endAll()
    await closed.finally(() => clearTimeout(late))
  }
  return { idle, stop: () => (stopped ??= stop()) }
}
