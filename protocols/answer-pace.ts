import type { FrameWriter } from './frame-writer.ts'
import type { Platform } from './platform.ts'

/** What one streamed answer may send in a row before others have their turn. */
const FRAMES_IN_A_ROW = 16
const BYTES_IN_A_ROW = 131_072
/** Streamed answers that go on in one turn of the event loop; what arrives meanwhile waits no longer than they take. */
const ANSWERS_A_TURN = 4

/**
 * Keeps an answer whose next piece is always ready from taking the event loop for itself: its frames of one turn leave
 * together, and after its share it stands in line with the others.
 */
export class AnswerPace {
  readonly #writer: FrameWriter
  readonly #platform: Platform
  readonly #line: Line
  #frames = 0
  #bytes = 0

  constructor(writer: FrameWriter, platform: Platform) {
    this.#writer = writer
    this.#platform = platform
    this.#line = lineOf(platform)
  }

  /** True when the next frame is the first of a row. */
  get isRowOver(): boolean {
    return this.#frames === 0
  }

  /** To be called after each frame, and awaited: until the peer takes more, and until it is this answer's turn again. */
  async sent(bytes: number): Promise<void> {
    this.#gather()
    this.#frames++
    this.#bytes += bytes
    await this.#writer.pressure()
    if (this.#frames < FRAMES_IN_A_ROW && this.#bytes < BYTES_IN_A_ROW) return
    await this.#line.turn()
    this.#frames = 0
    this.#bytes = 0
  }

  #gather(): void {
    if (this.#writer.gather()) this.#platform.afterTurn(() => this.#writer.sendGathered())
  }
}

/** Answers that wait for their turn, served in their order, a few a turn. */
class Line {
  readonly #platform: Platform
  #waiting: (() => void)[] = []
  #isMoving = false

  constructor(platform: Platform) {
    this.#platform = platform
  }

  turn(): Promise<void> {
    return new Promise(resolve => {
      this.#waiting.push(resolve)
      if (!this.#isMoving) this.#move()
    })
  }

  #move(): void {
    this.#isMoving = true
    this.#platform.afterTurn(() => {
      for (const goOn of this.#waiting.splice(0, ANSWERS_A_TURN)) goOn()
      if (this.#waiting.length > 0) this.#move()
      else this.#isMoving = false
    })
  }
}

const lines = new WeakMap<Platform, Line>()

function lineOf(platform: Platform): Line {
  const line = lines.get(platform) ?? new Line(platform)
  lines.set(platform, line)
  return line
}
