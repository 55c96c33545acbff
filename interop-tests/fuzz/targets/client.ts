import assert from 'node:assert/strict'
import { ClientSession, DEFAULT_LIMITS, OapError, client as clientOf } from 'omnigate/protocols'
import { memoryStreams } from '../../../protocols/memory-streams.ts'
import type { MemoryStream } from '../../../protocols/memory-streams.ts'
import { conversation } from '../engine/conversation.ts'
import { FRAME_MUTATIONS, STEP_VERSION, frame, record } from '../engine/frames.ts'
import { BYTE_MUTATIONS, joined } from '../engine/mutate.ts'
import type { Target } from '../engine/target.ts'
import { JSON_TOKENS } from './dictionary.ts'
import { sampleTable } from './sample-service.ts'
import { frameSeeds } from './seeds.ts'
import { CountedBudget, StillPlatform, turns, untilStill } from './surroundings.ts'

const ACTS = ['shape', 'turns', 'time', 'pause', 'resume', 'abort', 'read', 'fin', 'reset', 'end'] as const
type Act = (typeof ACTS)[number]

const MOST_OUT_RATIO = 11
const HELD_BESIDE_INPUT = 1_048_576 + 4
const PIECE = new Uint8Array(3000).fill(0x55)

const shapeOf = (amount: number) => ({
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
class Scene {
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
    const calls = clientOf(sampleTable, { shared: () => session, own: () => Promise.resolve(session) })
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

async function run(input: Uint8Array): Promise<void> {
  const steps = conversation(input, ACTS)
  const [shape] = steps
  const scene = new Scene(shapeOf(shape?.act === 'shape' ? shape.amount : 0))
  scene.call()
  await turns(2)
  for (const step of steps) {
    if (step.act === 'send') scene.send(step.bytes)
    else await scene.act(step.act, step.amount)
  }
  await untilStill(scene.progress)
  const mostHeld = HELD_BESIDE_INPUT + MOST_OUT_RATIO * scene.sentBytes
  assert.ok(scene.budget.most <= mostHeld, `${scene.budget.most} bytes are held for ${scene.sentBytes}`)
  await checkLeavings(scene)
}

async function checkLeavings(scene: Scene): Promise<void> {
  const { session, peer, budget, faults, open } = scene
  peer.abort(new Error('over'))
  session.reset(new Error('over'))
  await untilStill(scene.progress)
  await scene.leave()
  if (faults.length > 0) throw faults[0]
  const waiting = open.filter(({ isSettled }) => !isSettled).map(({ name }) => name)
  assert.deepEqual(waiting, [], 'calls never settle')
  assert.equal(session.callsOpen(), 0, 'calls are open on a stream that is gone')
  assert.equal(session.isUsable, false, 'a stream that is gone is called usable')
  assert.equal(budget.held, 0, 'bytes are held for a stream that is gone')
  assert.equal(scene.timesGone, 1, `the end is told ${scene.timesGone} times`)
}

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
const step = (act: Act, amount = 0): Uint8Array =>
  frame(ACTS.indexOf(act), 0, 0, new Uint8Array(0), amount, STEP_VERSION)
const answer = (flags: number, corr: number, payload: Uint8Array = new Uint8Array(0), code = 0): Uint8Array =>
  frame(flags, 0x1001, corr, payload, code)

const ownSeeds = (): Uint8Array[] => {
  const talk = [
    frame(0x12, 0, 1, utf8('{"version":1,"max_frame":1048576,"max_inflight":64,"apps":[0,1]}')),
    answer(0x1a, 2, utf8('x')),
    answer(0x0a, 3, utf8('abc')),
    answer(0x12, 3, utf8('def')),
    answer(0x12, 4, utf8('{"code":"conflict","message":"no","retryable":false}'), 409),
    answer(0x1a, 5, utf8('{"n":6000}')),
    answer(0x0a, 6),
    answer(0x02, 6, new Uint8Array(300)),
    answer(0x0a, 7),
    answer(0x04, 7, utf8('{"n":0}')),
    step('turns', 2),
    answer(0x04, 7, utf8('{"n":1}')),
    answer(0x12, 7),
    answer(0x12, 6)
  ]
  const shaped = Array.from({ length: 32 }, (_, amount) => joined(step('shape', amount), ...talk))
  const odd = [
    joined(...talk, step('abort'), answer(0x12, 3, record('{}')), step('fin')),
    joined(step('shape', 8), ...talk, step('read', 5), step('read', 6), step('read', 6), step('reset')),
    joined(step('time', 400), ...talk, step('end')),
    joined(answer(0x12, 0, utf8('{"code":"bad_frame"}'), 400), step('turns', 3), ...talk)
  ]
  return [...shaped, ...odd]
}

export const client: Target = {
  name: 'client',
  about:
    'the caller: every call settles whatever comes back, nothing is thrown elsewhere, nothing is left behind',
  maxBytes: 4096,
  mutations: [
    ...Object.values(FRAME_MUTATIONS),
    ...Object.values(FRAME_MUTATIONS),
    ...Object.values(BYTE_MUTATIONS)
  ],
  dictionary: JSON_TOKENS,
  seeds: () => [...ownSeeds(), ...frameSeeds()],
  run
}
