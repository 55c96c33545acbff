import { ClientSession, DEFAULT_LIMITS, OapError, client as clientOf } from 'omnigate/protocols'
import { memoryStreams } from '../../../protocols/memory-streams.ts'
import type { MemoryStream } from '../../../protocols/memory-streams.ts'
import { sampleTable } from './sample-service.ts'
import { CountedBudget, StillPlatform, turns, untilStill } from './surroundings.ts'

/** What the caller, the peer or the time can do besides sending. */
export const ACTS = [
  'shape',
  'turns',
  'time',
  'pause',
  'resume',
  'abort',
  'read',
  'fin',
  'reset',
  'end'
] as const
export type Act = (typeof ACTS)[number]

const PIECE = new Uint8Array(3000).fill(0x55)

/** What a `shape` step at the beginning of an input decides. */
export const shapeOf = (amount: number) => ({
  isOwn: (amount & 1) !== 0,
  credit: (amount & 2) === 0 ? undefined : 40,
  budgetBytes: (amount & 4) === 0 ? Infinity : 256,
  reads: (amount & 8) === 0,
  windowBytes: (amount & 16) === 0 ? 262_144 : 64
})

/** A call under way: what it gave in the end, or that it gave nothing yet. */
interface Open {
  readonly name: string
  isSettled: boolean
  iterator?: AsyncIterator<unknown>
}

/** A session with calls open, and the peer that answers as it likes. */
export class ClientScene {
  readonly faults: unknown[] = []
  readonly platform = new StillPlatform()
  readonly budget: CountedBudget
  readonly session: ClientSession
  readonly peer: MemoryStream
  readonly near: MemoryStream
  readonly open: Open[] = []
  readonly abort = new AbortController()
  timesGone = 0
  sentBytes = 0
  heardBytes = 0
  readonly #shape: ReturnType<typeof shapeOf>

  constructor(shape: ReturnType<typeof shapeOf>) {
    this.#shape = shape
    ;[this.near, this.peer] = memoryStreams({ windowBytes: shape.windowBytes })
    this.budget = new CountedBudget(shape.budgetBytes)
    this.session = new ClientSession(this.near, {
      platform: this.platform,
      budget: this.budget,
      limits: () => DEFAULT_LIMITS,
      isOwn: shape.isOwn,
      onGone: () => void this.timesGone++
    })
    this.peer.addEventListener(
      'message',
      ({ data }: { data: Uint8Array }) => void (this.heardBytes += data.byteLength)
    )
  }

  readonly progress = (): number => this.heardBytes + this.budget.held * 31 + this.near.readBufferLength * 37

  /** In the order of their corr_ids: 1 HELLO, 2 and 3 echo, 4 late, then sum, stream and count. */
  call(): void {
    const { session } = this
    const { signal } = this.abort
    const calls = clientOf(sampleTable(), { shared: () => session, own: () => Promise.resolve(session) })
    this.#watch('hello', session.hello({ ua: 'fuzz' }))
    this.#watch('echo', calls.echo({ body: Uint8Array.of(1) }))
    this.#watch('echo 2', calls.echo({ body: PIECE }, { compress: true, signal }))
    this.#watch('late', calls.late({}, { deadlineMs: 100 }))
    this.#watch('sum', calls.sum({}, { body: [PIECE, PIECE], signal }))
    this.#watch(
      'stream',
      calls.stream({}, { body: [PIECE] }).then(({ body }) => body)
    )
    this.#watch('count', calls.count({ to: 5 }, { credit: this.#shape.credit, signal }))
  }

  #watch(name: string, result: Promise<unknown>): void {
    const open: Open = { name, isSettled: false }
    this.open.push(open)
    result
      .then(
        value => {
          if (typeof value !== 'object' || value === null || !(Symbol.asyncIterator in value))
            return undefined
          open.iterator = (value as AsyncIterable<unknown>)[Symbol.asyncIterator]()
          return this.#shape.reads ? this.#readAll(open.iterator) : undefined
        },
        (error: unknown) => this.#judge(error)
      )
      .then(
        () => void (open.isSettled = true),
        (error: unknown) => void this.faults.push(error)
      )
  }

  async #readAll(iterator: AsyncIterator<unknown>): Promise<void> {
    try {
      while ((await iterator.next()).done !== true);
    } catch (error) {
      this.#judge(error)
    }
  }

  #judge(error: unknown): void {
    if (!(error instanceof OapError) && error !== this.abort.signal.reason) this.faults.push(error)
  }

  send(bytes: Uint8Array): void {
    if (this.peer.status !== 'open' || this.#isFinished) return
    this.peer.send(bytes)
    this.sentBytes += bytes.length
  }

  #isFinished = false

  readonly #acts: Readonly<Record<Act, (amount: number) => void | Promise<void>>> = {
    shape: () => {},
    turns: amount => turns(1 + (amount & 7)),
    time: amount => this.platform.advance(amount),
    pause: () => {
      if (this.peer.readStatus === 'readable') this.peer.pause()
    },
    resume: () => {
      if (this.peer.readStatus === 'paused') this.peer.resume()
    },
    abort: () => this.abort.abort(new Error('the caller has enough')),
    read: amount => {
      const { iterator } = this.open[amount % this.open.length]!
      iterator?.next().catch((error: unknown) => this.#judge(error))
    },
    fin: () => {
      this.#isFinished = true
      void this.peer.close()
    },
    reset: () => {
      this.#isFinished = true
      this.peer.abort(new Error('enough'))
    },
    end: () => void this.session.end()
  }

  act(act: Act, amount: number): void | Promise<void> {
    return this.#acts[act](amount)
  }

  /** Leaves whatever is still being read. */
  async leave(): Promise<void> {
    for (const { iterator } of this.open) iterator?.return?.().catch((error: unknown) => this.#judge(error))
    await untilStill(this.progress)
  }
}
