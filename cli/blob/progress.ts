import { bytesText } from '../quantity.ts'
import type { Terminal } from '../terminal.ts'

const SHOWN_MS = 200
const BAR = 24

/** One line on a terminal that says how far a transfer is; nothing elsewhere. */
export class TransferProgress {
  readonly #terminal: Terminal
  readonly #total: number | undefined
  readonly #now: () => number
  #bytes = 0
  #shownMs = -Infinity

  constructor(terminal: Terminal, total: number | undefined, now: () => number = () => performance.now()) {
    this.#terminal = terminal
    this.#total = total
    this.#now = now
  }

  add(bytes: number): void {
    this.#bytes += bytes
    const nowMs = this.#now()
    if (nowMs - this.#shownMs < SHOWN_MS) return
    this.#shownMs = nowMs
    this.#terminal.progress(transferText(this.#bytes, this.#total))
  }

  end(): void {
    this.#terminal.progress('')
  }
}

export function transferText(bytes: number, total: number | undefined): string {
  if (total === undefined || total === 0) return bytesText(bytes)
  const done = Math.min(1, bytes / total)
  const bar = '#'.repeat(Math.floor(done * BAR)).padEnd(BAR, '.')
  return `${bar} ${Math.floor(done * 100)} % of ${bytesText(total)}`
}
