import type { Socket } from 'node:net'

/** The requests of one connection one after the other, however many it sends at once. */
export class InTurn {
  readonly #last = new WeakMap<Socket, Promise<unknown>>()

  run<T>(socket: Socket, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(socket) ?? Promise.resolve()
    const mine = before.then(work, work)
    this.#last.set(socket, mine)
    return mine
  }
}
