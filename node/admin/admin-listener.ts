import { once } from 'node:events'
import { chmod, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import { DEFAULT_LIMITS } from '../../protocols/index.ts'
import type { ConnectionState, InboundBudget } from '../../protocols/index.ts'
import { serving } from '../listener/serving.ts'
import type { SessionHost } from '../listener/session-host.ts'
import { systemError } from '../setup-error.ts'
import { makeSocketFolder } from './socket-path.ts'
import { SocketStream } from './socket-stream.ts'

const MAX_CONNECTIONS = 32
const PRIVATE_UMASK = 0o177

const unbounded: InboundBudget = { isSpent: false, reserve: () => true, hold() {}, release() {}, onRoom() {} }

/** Whoever may open the socket is the operator: no budget but the session's own bounds. */
const local: ConnectionState = {
  peer: 'local',
  limits: DEFAULT_LIMITS,
  budget: unbounded,
  settle: () => DEFAULT_LIMITS,
  takeHello: () => true,
  openCall: () => undefined,
  received: () => undefined,
  streamed: () => 0,
  refused: () => 0,
  proved: () => undefined,
  endCall() {}
}

/** Serves OAP on a local socket that only this user can open. One connection is one session. */
export class AdminListener {
  readonly #path: string
  readonly #host: SessionHost
  readonly #sockets = new Set<Socket>()

  constructor(path: string, host: SessionHost) {
    this.#path = path
    this.#host = host
  }

  /**
   * Serves until `signal` aborts; rejects when the socket fails. The caller holds the data folder, so a socket that
   * lies there already is a dead node's.
   */
  async run(started: () => void, signal: AbortSignal): Promise<void> {
    const server = createServer({ allowHalfOpen: true }, socket => this.#accept(socket))
    server.maxConnections = MAX_CONNECTIONS
    try {
      await this.#listen(server)
      started()
      await serving(server, signal)
    } catch (error) {
      throw systemError(`admin socket ${this.#path}`, error)
    } finally {
      await this.#close(server)
    }
  }

  async #listen(server: Server): Promise<void> {
    await makeSocketFolder(this.#path)
    await rm(this.#path, { force: true })
    await listenPrivately(server, this.#path)
    await chmod(this.#path, 0o600)
  }

  async #close(server: Server): Promise<void> {
    const closed = new Promise<void>(resolve => server.close(() => resolve()))
    for (const socket of this.#sockets) socket.destroy()
    await closed
    await rm(this.#path, { force: true })
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket)
    this.#host.serve(new SocketStream(socket), local, () => this.#sockets.delete(socket))
  }
}

async function listenPrivately(server: Server, path: string): Promise<void> {
  const mask = process.umask(PRIVATE_UMASK)
  try {
    // Binds before it returns; the mask is the whole process's and must not last longer.
    server.listen(path)
  } finally {
    process.umask(mask)
  }
  await once(server, 'listening')
}
