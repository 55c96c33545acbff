import type { ServerResponse } from 'node:http'
import { OapError } from '../../protocols/index.ts'

/** What a reader that takes nothing is left, at most so much at a time. */
const PIECE_BYTES = 65_536

export interface BodiesOptions {
  /** Bodies under way at the same time. */
  readonly most: number
  /** Of those of one holder; as many as there may be if missing. */
  readonly mostOfOne?: number
  /** A reader that takes no piece for so long is cut off. */
  readonly stallMs: number
  /** A reader that has taken nothing for so long makes way where there is no room. */
  readonly makesWayAfterMs: number
  /** Charges bytes; yields the milliseconds until they are paid for. */
  readonly charge: (bytes: number) => number
  readonly clock: BodiesClock
  readonly onCut: () => void
}

export interface BodiesClock {
  /** Milliseconds that never go back. */
  now(): number
  /** Runs `late` after that time, unless what it yields is called before. */
  after(ms: number, late: () => void): () => void
}

/** The clock of this machine. */
export const bodiesClock: BodiesClock = {
  now: () => performance.now(),
  after(ms, late) {
    const timer = setTimeout(late, ms)
    return () => clearTimeout(timer)
  }
}

/** The reader has gone away, or was too slow. */
export class ReaderGone extends Error {}

/** Room for one body; disposing gives it back. */
export interface BodyPlace extends Disposable {
  /**
   * Writes the pieces as fast as the reader takes them, and ends the answer. At most one piece and what the system keeps for
   * the connection waits for it. Rejects, and breaks the connection off, when `pieces` throws, and with ReaderGone.
   */
  send(pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void>
}

/**
 * Bodies on their way to readers, so many at a time that slow ones hold little memory. One more makes whoever has kept it
 * waiting the longest make way, if that is long; else it is refused.
 */
export class Bodies {
  readonly #options: BodiesOptions
  readonly #open = new Map<OpenBody, string | undefined>()
  #bytes = 0

  constructor(options: BodiesOptions) {
    this.#options = options
  }

  get underWay(): number {
    return this.#open.size
  }

  /** Bytes written in all. */
  get bytes(): number {
    return this.#bytes
  }

  /** `holder` is whom the place is counted for. @throws OapError `saturated` */
  enter(response: ServerResponse, holder?: string): BodyPlace {
    const { mostOfOne = Infinity } = this.#options
    if (holder !== undefined && this.#heldBy(holder) >= mostOfOne)
      throw new OapError('saturated', 'too many answers to this caller are under way')
    if (this.#open.size >= this.#options.most) this.#makeRoom()
    const body = new OpenBody(response, this.#options, {
      written: bytes => (this.#bytes += bytes),
      left: () => this.#open.delete(body)
    })
    this.#open.set(body, holder)
    return body
  }

  #heldBy(holder: string): number {
    let held = 0
    for (const one of this.#open.values()) if (one === holder) held++
    return held
  }

  /**
   * Demands a place for an answer that is not there yet, while `spare` are left for those whose answer is.
   * @throws OapError `saturated`
   */
  demandRoom(spare: number): void {
    if (this.#open.size + spare >= this.#options.most) this.#makeRoom()
  }

  /** Resolves once an answer that was given in one piece has left, or its reader has; one that takes nothing is cut off. */
  async left(response: ServerResponse): Promise<void> {
    if (response.writableFinished) return
    const cut = (): void => {
      this.#options.onCut()
      response.destroy()
    }
    await taken(response, 'finish', this.#options, cut).catch(() => undefined)
  }

  #makeRoom(): void {
    const { makesWayAfterMs, clock } = this.#options
    const before = clock.now() - makesWayAfterMs
    let slowest: OpenBody | undefined
    for (const body of this.#open.keys())
      if (body.waitsSince <= before && body.waitsSince < (slowest?.waitsSince ?? Infinity)) slowest = body
    if (slowest === undefined) throw new OapError('saturated', 'too many answers are under way')
    slowest.cut()
  }
}

interface Told {
  readonly written: (bytes: number) => void
  readonly left: () => void
}

class OpenBody implements BodyPlace {
  readonly #response: ServerResponse
  readonly #options: BodiesOptions
  readonly #told: Told
  /** Since when the reader has taken nothing that waits for it; Infinity while nothing does. */
  waitsSince = Infinity

  constructor(response: ServerResponse, options: BodiesOptions, told: Told) {
    this.#response = response
    this.#options = options
    this.#told = told
  }

  async send(pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
    try {
      for await (const piece of pieces)
        for (let at = 0; at < piece.length; at += PIECE_BYTES)
          await this.#write(piece.subarray(at, at + PIECE_BYTES))
      this.#response.end()
      if (!this.#response.writableFinished) await this.#taken('finish')
    } catch (error) {
      this.#response.destroy()
      throw error
    }
  }

  /** Breaks it off. */
  cut(): void {
    this.#options.onCut()
    this.#response.destroy()
    this.#told.left()
  }

  [Symbol.dispose](): void {
    this.#told.left()
  }

  async #write(piece: Uint8Array): Promise<void> {
    const { charge, clock } = this.#options
    if (this.#response.destroyed) throw new ReaderGone()
    const isTaken = this.#response.write(piece)
    this.#told.written(piece.length)
    const unpaidMs = charge(piece.length)
    if (!isTaken) await this.#taken('drain')
    if (unpaidMs > 0) await new Promise<void>(resolve => clock.after(unpaidMs, resolve))
  }

  /** @throws where the reader goes away or takes too long */
  #taken(event: 'drain' | 'finish'): Promise<void> {
    this.waitsSince = this.#options.clock.now()
    return taken(this.#response, event, this.#options, () => this.cut()).finally(
      () => (this.waitsSince = Infinity)
    )
  }
}

/** Rejects where the reader goes away, or takes too long and is cut off. */
function taken(
  response: ServerResponse,
  event: 'drain' | 'finish',
  { clock, stallMs }: Pick<BodiesOptions, 'clock' | 'stallMs'>,
  cut: () => void
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const over = (): void => {
    inTime()
    // At once: a response closes as soon as it has left.
    response.off(event, done).off('close', gone)
  }
  const done = (): void => {
    over()
    resolve()
  }
  const gone = (): void => {
    over()
    reject(new ReaderGone())
  }
  const inTime = clock.after(stallMs, () => {
    cut()
    gone()
  })
  response.once(event, done).once('close', gone)
  if (response.destroyed) gone()
  return promise
}
