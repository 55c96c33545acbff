import { type FileHandle, open } from 'node:fs/promises'
import { performance } from 'node:perf_hooks'

/** What was made durable, and how long it took. */
export interface Turn {
  readonly lines: number
  readonly ms: number
}

/** The limit of every durable log: batches of lines appended to one file, each followed by fdatasync. */
export class AppendSync {
  readonly #file: FileHandle
  readonly #batch: Buffer
  readonly #lines: number

  private constructor(file: FileHandle, lineBytes: number, lines: number) {
    this.#file = file
    this.#lines = lines
    this.#batch = Buffer.from(`${'x'.repeat(lineBytes - 1)}\n`.repeat(lines))
  }

  static async create(path: string, lineBytes: number, lines: number): Promise<AppendSync> {
    return new AppendSync(await open(path, 'ax'), lineBytes, lines)
  }

  /** Appends for about `forMs`. */
  async turn(forMs: number): Promise<Turn> {
    const started = performance.now()
    let lines = 0
    while (performance.now() - started < forMs) {
      await this.#file.write(this.#batch)
      await this.#file.datasync()
      lines += this.#lines
    }
    return { lines, ms: performance.now() - started }
  }

  close(): Promise<void> {
    return this.#file.close()
  }
}
