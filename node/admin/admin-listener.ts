import { chmod, mkdir, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import { dirname } from 'node:path'
import { DEFAULT_LIMITS } from '../../protocols/index.ts'
import type { ConnectionState, InboundBudget } from '../../protocols/index.ts'
import type { SessionHost } from '../listener/session-host.ts'
import { systemError } from '../setup-error.ts'
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
  endCall() {}
}

/** Serves OAP on a local socket that only this user can open. One connection is one session. */
export class AdminListener {
  readonly #path: string
  readonly #host: SessionHost
  readonly #sockets = new Set<Socket>()
  #server: Server | undefined

  constructor(path: string, host: SessionHost) {
    this.#path = path
    this.#host = host
  }

  get path(): string {
    return this.#path
  }

  /** The caller holds the data folder, so a socket that lies there already is a dead node's. */
  async start(): Promise<void> {
    try {
      await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 })
      await rm(this.#path, { force: true })
      await this.#listen()
      await chmod(this.#path, 0o600)
    } catch (error) {
      throw systemError(`admin socket ${this.#path}`, error)
    }
  }

  /** Resolves with the error that ended the listener, or with nothing once it was stopped. */
  failure(): Promise<Error | undefined> {
    return new Promise(resolve => {
      this.#server?.once('error', resolve)
      this.#server?.once('close', () => resolve(undefined))
    })
  }

  async stop(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    if (server === undefined) return
    const closed = new Promise<void>(resolve => server.close(() => resolve()))
    for (const socket of this.#sockets) socket.destroy()
    await closed
    await rm(this.#path, { force: true })
  }

  #listen(): Promise<void> {
    const server = createServer({ allowHalfOpen: true }, socket => this.#accept(socket))
    server.maxConnections = MAX_CONNECTIONS
    this.#server = server
    const mask = process.umask(PRIVATE_UMASK)
    return new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(this.#path, () => {
        server.off('error', reject)
        resolve()
      })
    }).finally(() => process.umask(mask))
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket)
    this.#host.serve(new SocketStream(socket), local, () => this.#sockets.delete(socket))
  }
}
