import type { FastifyInstance } from 'fastify'

/**
 * Ends a listener: no connection is taken any more, what is asked is still answered within `ms`, and then every connection
 * ends. To be made before routes are added; what it yields is safe to call twice.
 */
export function draining(app: FastifyInstance, ms: number): () => Promise<void> {
  let underWay = 0
  let isOver = false
  let stopped: Promise<void> | undefined
  const endAll = (): void => app.server.closeAllConnections()
  app.addHook('onRequest', async (_, { raw }) => {
    underWay++
    raw.once('close', () => {
      underWay--
      if (isOver && underWay === 0) endAll()
    })
  })
  const stop = async (): Promise<void> => {
    isOver = true
    const late = setTimeout(endAll, ms)
    const closed = app.close()
    if (underWay === 0) endAll()
    await closed.finally(() => clearTimeout(late))
  }
  return () => (stopped ??= stop())
}
