import assert from 'node:assert/strict'
import { nodePlatform } from 'omnigate'
import { DEFAULT_LIMITS } from 'omnigate/protocols'
import type { ConnectionState, InboundBudget, Limits, OapError, Platform } from 'omnigate/protocols'
import { agree } from '../../../protocols/hello.ts'
import type { HelloRequest } from '../../../protocols/hello.ts'

/** Node's platform with a time that moves only when it is told to. */
export class StillPlatform implements Platform {
  #now = 0
  #timers = new Map<number, { readonly at: number; readonly run: () => void }>()
  #next = 1

  now(): number {
    return this.#now
  }

  setTimer(run: () => void, ms: number): number {
    this.#timers.set(this.#next, { at: this.#now + ms, run })
    return this.#next++
  }

  clearTimer(timer: unknown): void {
    this.#timers.delete(timer as number)
  }

  afterTurn(run: () => void): void {
    setImmediate(run)
  }

  inflate(bytes: Uint8Array, maxBytes: number): Uint8Array | undefined {
    return nodePlatform.inflate!(bytes, maxBytes)
  }

  deflate(bytes: Uint8Array): Uint8Array {
    return nodePlatform.deflate!(bytes)
  }

  advance(ms: number): void {
    this.#now += ms
    for (const [id, { at, run }] of Array.from(this.#timers)) {
      if (at > this.#now || !this.#timers.delete(id)) continue
      run()
    }
  }
}

/** A budget that must come out even, and never below nothing. */
export class CountedBudget implements InboundBudget {
  held = 0
  most = 0
  readonly #limit: number
  #listeners: (() => void)[] = []

  constructor(limit = Infinity) {
    this.#limit = limit
  }

  get isSpent(): boolean {
    return this.held >= this.#limit
  }

  reserve(bytes: number): boolean {
    if (this.held > 0 && this.held + bytes > this.#limit) return false
    this.hold(bytes)
    return true
  }

  hold(bytes: number): void {
    this.held += bytes
    this.most = Math.max(this.most, this.held)
  }

  release(bytes: number): void {
    this.held -= bytes
    assert.ok(this.held >= 0, `more is given back than was taken: ${this.held}`)
    if (this.isSpent) return
    const listeners = this.#listeners
    this.#listeners = []
    for (const listener of listeners) queueMicrotask(listener)
  }

  onRoom(listener: () => void): void {
    this.#listeners.push(listener)
  }
}

/** A connection whose calls must come out even. */
export class CountedConnection implements ConnectionState {
  readonly peer = 'peer'
  limits: Limits = DEFAULT_LIMITS
  readonly budget: CountedBudget
  calls = 0
  #hellos = 10
  #isSettled = false

  constructor(budget: CountedBudget) {
    this.budget = budget
  }

  settle(asked: HelloRequest): Limits {
    if (!this.#isSettled) this.limits = agree(this.limits, asked)
    this.#isSettled = true
    return this.limits
  }

  takeHello(): boolean {
    return this.#hellos-- > 0
  }

  openCall(): OapError | undefined {
    this.calls++
    return undefined
  }

  endCall(): void {
    this.calls--
    assert.ok(this.calls >= 0, 'a call ends twice')
  }

  received(): void {}

  streamed(): number {
    return 0
  }

  refused(): number {
    return 0
  }

  proved(): void {}
}

const MOST_TURNS = 400

/** Lets the event loop turn until `progress` says the same twice running. */
export async function untilStill(progress: () => number): Promise<void> {
  let before = -1
  let same = 0
  for (let turn = 0; turn < MOST_TURNS && same < 3; turn++) {
    await new Promise(resolve => setImmediate(resolve))
    const now = progress()
    same = now === before ? same + 1 : 0
    before = now
  }
}

export async function turns(n: number): Promise<void> {
  for (let turn = 0; turn < n; turn++) await new Promise(resolve => setImmediate(resolve))
}
