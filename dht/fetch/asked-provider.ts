import type { Bar } from './blame-book.ts'
import type { ByteRanges, Span } from './byte-ranges.ts'
import { ENDS } from './ends.ts'
import type { EndCode } from './ends.ts'
import type { ProviderReport, Via } from './fetch-report.ts'

/** A provider as it is found. */
export interface Found {
  readonly provider: string
  readonly via: Via
  /** What it has of the blob; all when absent. */
  readonly has?: ByteRanges | undefined
  /** What it did a while ago: a liar is not asked, another only after those who did nothing. */
  readonly bar?: Bar | undefined
}

/** An open question: `at` moves on with what is proved, `to` may be cut. */
interface Question {
  readonly from: number
  at: number
  to: number
  readonly askedMs: number
  /** When something was proved last, or the question was put. */
  movedMs: number
}

/** One provider in one fetch: what it is asked, how fast it is, and whether it may be asked again. */
export class AskedProvider {
  readonly found: Found
  #question: Question | undefined
  #asked = 0
  #bytes = 0
  #reached: number | undefined
  #ended: EndCode | undefined
  #detail: string | undefined
  #failures = 0
  #misses = 0
  /** Failures within this fetch. */
  #refusals = 0
  #isOver = false
  #notBeforeMs = 0
  #firstMs: number | undefined
  #lastMs = 0
  /** Bytes and time of all questions that were answered well. */
  #pace = { bytes: 0, ms: 0 }

  constructor(found: Found, nowMs: number) {
    this.found = found
    const { bar } = found
    if (bar === undefined) return
    this.#failures = 1
    this.#notBeforeMs = nowMs
    if (!ENDS[bar.code].isLie) return
    this.#isOver = true
    this.#ended = 'barred'
    this.#detail = bar.code
  }

  get question(): Readonly<Question> | undefined {
    return this.#question
  }

  /** It will not be asked again. */
  get isOver(): boolean {
    return this.#isOver
  }

  get failures(): number {
    return this.#failures
  }

  /** How often it was asked and had said nothing when another had. */
  get misses(): number {
    return this.#misses
  }

  /** When it may be asked again, or could be from the beginning. */
  get notBeforeMs(): number {
    return this.#notBeforeMs
  }

  isFree(nowMs: number): boolean {
    return !this.#isOver && this.#question === undefined && this.#notBeforeMs <= nowMs
  }

  ask({ from, to }: Span, nowMs: number): void {
    this.#question = { from, at: from, to, askedMs: nowMs, movedMs: nowMs }
    this.#asked++
    this.#reached = from
    this.#ended = this.#detail = undefined
    this.#firstMs ??= nowMs
    this.#lastMs = nowMs
  }

  /** What is left of its question, where nothing else is taken from it. */
  get left(): Span {
    const { at, to } = this.#question ?? { at: 0, to: 0 }
    return { from: at, to }
  }

  moved(to: number, nowMs: number): void {
    const question = this.#question
    if (question === undefined) return
    this.#bytes += Math.max(0, to - question.at)
    question.at = Math.max(question.at, to)
    question.movedMs = nowMs
    this.#reached = question.at
    this.#lastMs = nowMs
  }

  cut(to: number): void {
    if (this.#question !== undefined) this.#question.to = to
  }

  /** Milliseconds without anything proved. */
  silentMs(nowMs: number): number {
    return this.#question === undefined ? 0 : nowMs - this.#question.movedMs
  }

  /** How long it will need for the rest at the pace of this question; Infinity before anything came. */
  restMs(nowMs: number): number {
    const question = this.#question
    if (question === undefined) return 0
    const bytes = question.at - question.from
    return bytes === 0
      ? Infinity
      : ((question.to - question.at) * Math.max(1, nowMs - question.askedMs)) / bytes
  }

  /** Plain bytes a millisecond over all questions; 0 before anything came. */
  get pace(): number {
    return this.#pace.bytes / Math.max(1, this.#pace.ms)
  }

  end(code: EndCode, nowMs: number, { detail, waitMs = 0 }: { detail?: string; waitMs?: number } = {}): void {
    const question = this.#question
    if (question !== undefined) {
      this.#pace.bytes += question.at - question.from
      if (code === 'outrun' && question.at === question.from) this.#misses++
      this.#pace.ms += nowMs - question.askedMs
    }
    this.#question = undefined
    this.#ended = code
    this.#detail = detail
    this.#lastMs = nowMs
    if (code === 'done' || code === 'outrun') return
    this.#failures++
    this.#isOver = ++this.#refusals > ENDS[code].retries
    this.#notBeforeMs = nowMs + Math.max(waitMs, RETRY_MS * this.#failures)
  }

  get report(): ProviderReport {
    return {
      provider: this.found.provider,
      via: this.found.via,
      asked: this.#asked,
      bytes: this.#bytes,
      reached: this.#reached,
      ended: this.#question === undefined ? this.#ended : undefined,
      detail: this.#detail,
      ms: this.#firstMs === undefined ? 0 : this.#lastMs - this.#firstMs
    }
  }
}

/** A provider that failed is left alone at least so long, times the number of its failures. */
const RETRY_MS = 500
