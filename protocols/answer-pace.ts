import type { FrameWriter } from './frame-writer.ts'
import type { Platform } from './platform.ts'

/** What one streamed answer may send in one turn of the event loop before others have theirs. */
const FRAMES_A_TURN = 16
const BYTES_A_TURN = 131_072

/**
 * Keeps an answer whose next piece is always ready from taking the event loop for itself: its frames of one turn leave
 * together, and after a turn's share it waits for the next.
 */
export class AnswerPace {
  readonly #writer: FrameWriter
  readonly #platform: Platform
  #frames = 0
  #bytes = 0
  #turn: Promise<void> | undefined

  constructor(writer: FrameWriter, platform: Platform) {
    this.#writer = writer
    this.#platform = platform
  }

  /** To be called after each frame, and awaited: until the peer takes more, and until it is this answer's turn again. */
  async sent(bytes: number): Promise<void> {
    this.#turn ??= this.#untilTurnEnds()
    this.#frames++
    this.#bytes += bytes
    const isDone = this.#frames >= FRAMES_A_TURN || this.#bytes >= BYTES_A_TURN
    await this.#writer.pressure()
    if (isDone) await this.#turn
  }

  #untilTurnEnds(): Promise<void> {
    this.#writer.gather()
    return new Promise(resolve =>
      this.#platform.afterTurn(() => {
        this.#turn = undefined
        this.#frames = 0
        this.#bytes = 0
        this.#writer.sendGathered()
        resolve()
      })
    )
  }
}
