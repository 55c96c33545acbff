import type { Socket } from 'node:net'

/** Under which a socket holds its last job: a map of sockets would have what it held before live on with it. */
const LAST = Symbol('last job')

interface Busy extends Socket {
  [LAST]?: Promise<unknown> | undefined
}

/** Runs jobs of one socket one after the other. */
export async function inTurn<T>(socket: Socket, job: () => Promise<T>): Promise<T> {
  const busy: Busy = socket
  const before = busy[LAST]
  const done = before === undefined ? job() : before.then(job)
  const settled = done.catch(() => undefined)
  busy[LAST] = settled
  try {
    return await done
  } finally {
    if (busy[LAST] === settled) busy[LAST] = undefined
  }
}
