import type { FastifyReply, FastifyRequest } from 'fastify'
import { Problem, isUnread, sendProblem, watchedBodies } from './problem.ts'

/**
 * Sees to it that a body has come in time, unless its route passes it on as it comes: 408, or the end of the connection where
 * the answer has been given.
 */
export function demandBodyWithin(ms: number, request: FastifyRequest, reply: FastifyReply): void {
  if (!isUnread(request) || request.routeOptions.config.isStreamed === true) return
  watchedBodies.add(request.raw)
  const late = setTimeout(() => {
    if (request.raw.complete) return
    watchedBodies.delete(request.raw)
    if (reply.sent) request.raw.destroy()
    else sendProblem(request, reply, TOO_SLOW)
  }, ms)
  const inTime = (): void => clearTimeout(late)
  request.raw.once('end', inTime).once('close', inTime)
}

const TOO_SLOW = new Problem('request_timeout', 'the body took too long to come')
