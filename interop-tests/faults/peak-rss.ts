import { readFileSync } from 'node:fs'

const SAMPLE_MS = 50

/** Watches how far a process's resident memory rises above what it was at the start. */
export class PeakRss {
  readonly #pid: number
  readonly #first: number
  readonly #timer: NodeJS.Timeout
  #peak: number

  constructor(pid: number) {
    this.#pid = pid
    this.#first = this.#peak = rssBytesOf(pid)
    this.#timer = setInterval(() => this.#sample(), SAMPLE_MS)
  }

  /** Ends the watch and yields the growth at its highest, in bytes. */
  stop(): number {
    clearInterval(this.#timer)
    this.#sample()
    return this.#peak - this.#first
  }

  #sample(): void {
    this.#peak = Math.max(this.#peak, rssBytesOf(this.#pid))
  }
}

/** Zero for a process that has ended. */
function rssBytesOf(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1')
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024
  } catch {
    return 0
  }
}
