import type { Socket } from 'node:net'

type Bytes = Buffer<ArrayBuffer>

/** Whose input waits for its turn. */
export interface PacedStranger {
  /** Once false, what it sends is passed on as it comes. */
  readonly isStranger: () => boolean
  /** False while whoever reads the socket has paused it. */
  readonly mayRead: () => boolean
  /** Told of the time that the event loop spent on a piece of its input, in milliseconds. */
  readonly spend: (ms: number) => void
}

/**
 * Has what strangers send wait for its turn: of all of them together, one piece of input is taken in a turn of the event
 * loop, and whatever others have sent meanwhile comes before the next. So hundreds of strangers who send at once delay a
 * known peer by one piece of theirs, not by all of them. A piece is what one read of a socket gives, at most 64 KiB; while
 * one waits, its socket is not read, so that no more than that is held for each.
 *
 * What a piece costs is measured with all that follows from it at once; what follows later, such as answers that are
 * written when their disk is ready, is not.
 */
export class StrangerTurns {
  readonly #waiting: Piece[] = []
  readonly #now: () => number
  #taken: Piece | undefined
  #since = 0
  #isScheduled = false

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** To be called before anything has been read from the socket. Yields false for a socket that nobody listens to. */
  pace(socket: Socket, stranger: PacedStranger): boolean {
    const [listener, ...more] = socket.listeners('data') as ((data: Bytes) => void)[]
    if (listener === undefined || more.length > 0) return false
    const pieces = { count: 0 }
    socket.off('data', listener)
    socket.on('data', (data: Bytes) => {
      if (pieces.count === 0 && !stranger.isStranger()) return listener.call(socket, data)
      pieces.count++
      // Also that the end of the stream is not heard of before what came first.
      socket.pause()
      this.#waiting.push({ socket, listener, data, pieces, stranger })
      this.#schedule()
    })
    return true
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    // Both run in one turn, with all promises in between that the piece resolves.
    setImmediate(this.#take)
    setImmediate(this.#ended)
  }

  readonly #take = (): void => {
    const piece = this.#waiting.shift()
    this.#taken = piece
    if (piece === undefined) return
    const { socket, listener, data, pieces, stranger } = piece
    this.#since = this.#now()
    pieces.count--
    // Before it is read, since reading it may pause the socket again.
    if (pieces.count === 0 && stranger.mayRead()) socket.resume()
    if (socket.destroyed) return
    socket.cork()
    try {
      listener.call(socket, data)
    } finally {
      socket.uncork()
    }
  }

  readonly #ended = (): void => {
    this.#taken?.stranger.spend(this.#now() - this.#since)
    this.#taken = undefined
    this.#isScheduled = false
    if (this.#waiting.length > 0) this.#schedule()
  }
}

interface Piece {
  readonly socket: Socket
  readonly listener: (data: Bytes) => void
  readonly data: Bytes
  readonly pieces: { count: number }
  readonly stranger: PacedStranger
}
