import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLog } from './log.ts'
import { createMetrics } from './metrics.ts'
import { type SupervisedPart, Supervisor, restartDelayMs, systemClock } from './supervision.ts'

const REASONS = ['crash_exception', 'crash_store', 'crash_listener', 'crash_start'] as const

test('counts a crash in both metrics with one reason, writes one line, and runs the part again', async () => {
  const { supervise, metrics, lines } = surroundings()
  const part = new ScriptedPart('crash_store')
  await using supervisor = supervise(part)
  await supervisor.start()

  part.crash(new Error('disk gone'))
  await part.restarted(1)

  const text = await metrics.text()
  assert.match(text, /\nservice_crashes_total\{service="echo",reason="crash_store"\} 1\n/)
  assert.match(text, /\nrejected_total\{reason="crash_store"\} 1\n/)
  const [line, ...more] = lines()
  assert.deepEqual(more, [])
  const { event, service, reason, restarts, delayMs, level } = line ?? {}
  assert.deepEqual(
    { event, service, reason, restarts, delayMs, level },
    {
      event: 'ServiceCrashed',
      service: 'echo',
      reason: 'crash_store',
      restarts: 0,
      delayMs: 100,
      level: 'error'
    }
  )
  assert.deepEqual(supervisor.status, { service: 'echo', state: 'running', restarts: 1, ready: true })
})

test('waits twice as long after each crash, up to 30 s, and starts over when a minute was quiet', async () => {
  const { supervise, clock } = surroundings()
  const part = new ScriptedPart('crash_exception')
  await using supervisor = supervise(part)
  await supervisor.start()

  for (let i = 1; i <= 3; i++) await crashAndReturn(part, i)
  clock.time += 60_001
  await crashAndReturn(part, 4)

  assert.deepEqual(clock.slept, [100, 200, 400, 100])
  assert.deepEqual([1, 9, 10, 50].map(restartDelayMs), [100, 25_600, 30_000, 30_000])
})

test('is not ready after 5 crashes in 60 s, and ready again once that minute has passed', async () => {
  const { supervise, clock } = surroundings()
  const part = new ScriptedPart('crash_exception')
  await using supervisor = supervise(part)
  await supervisor.start()

  for (let i = 1; i <= 4; i++) await crashAndReturn(part, i)
  assert.equal(supervisor.status.ready, true)
  await crashAndReturn(part, 5)
  assert.deepEqual([supervisor.status.state, supervisor.status.ready], ['running', false])

  clock.time += 60_000
  assert.equal(supervisor.status.ready, true)
})

test('takes a crash before the part worked again for a crash_start', async () => {
  const { supervise, metrics } = surroundings()
  const part = new ScriptedPart('crash_listener')
  await using supervisor = supervise(part)
  await supervisor.start()

  part.failNextStart = true
  part.crash(new Error('listener gone'))
  await part.restarted(2)

  const text = await metrics.text()
  assert.match(text, /\nrejected_total\{reason="crash_listener"\} 1\n/)
  assert.match(text, /\nrejected_total\{reason="crash_start"\} 1\n/)
})

test('throws the error of a first start and neither counts nor repeats it', async () => {
  const { supervise, metrics, lines } = surroundings()
  const part = new ScriptedPart('crash_exception')
  part.failNextStart = true
  await using supervisor = supervise(part)

  await assert.rejects(supervisor.start(), /cannot start/)

  assert.equal(supervisor.status.state, 'stopped')
  assert.deepEqual(lines(), [])
  assert.doesNotMatch(await metrics.text(), /service_crashes_total\{/)
})

test('counts nothing when it is stopped, even if the part throws on its way out', async () => {
  const { supervise, metrics, lines } = surroundings()
  const part = new ScriptedPart('crash_exception')
  part.throwOnStop = true
  const supervisor = supervise(part)
  await supervisor.start()

  await supervisor.stop()
  await supervisor.stop()

  assert.equal(supervisor.status.state, 'stopped')
  assert.deepEqual(lines(), [])
  assert.doesNotMatch(await metrics.text(), /service_crashes_total\{/)
})

test('takes a part that returns by itself for a clean end', async () => {
  const { supervise, lines } = surroundings()
  const supervisor = supervise({
    service: 'echo',
    crashReason: 'crash_exception',
    run: async started => started()
  })

  await supervisor.start()
  await supervisor.stop()

  assert.deepEqual([supervisor.status.state, lines().length], ['stopped', 0])
})

test('stops while it waits to restart', async () => {
  const { supervise, clock } = surroundings()
  clock.holds = true
  const part = new ScriptedPart('crash_exception')
  const supervisor = supervise(part)
  await supervisor.start()
  part.crash(new Error('once'))
  await clock.sleeping.promise
  assert.deepEqual([supervisor.status.state, supervisor.status.ready], ['waiting', false])

  await supervisor.stop()

  assert.deepEqual([supervisor.status.state, part.runs], ['stopped', 1])
})

test('the clock of the machine wakes when it is told to stop', async () => {
  const stop = new AbortController()
  const slept = systemClock.sleep(3_600_000, stop.signal)

  stop.abort()

  await slept
  assert.ok(systemClock.now() > 0)
})

class ScriptedPart implements SupervisedPart {
  readonly service = 'echo'
  readonly crashReason
  runs = 0
  failNextStart = false
  throwOnStop = false
  #crash = Promise.withResolvers<never>()
  #waiting: { readonly runs: number; readonly resolve: () => void }[] = []

  constructor(crashReason: SupervisedPart['crashReason']) {
    this.crashReason = crashReason
  }

  async run(started: () => void, signal: AbortSignal): Promise<void> {
    if (this.failNextStart) {
      this.failNextStart = false
      this.runs++
      throw new Error('cannot start')
    }
    this.#crash = Promise.withResolvers<never>()
    const stopped = new Promise<void>(resolve => signal.addEventListener('abort', () => resolve()))
    started()
    this.runs++
    for (const { runs, resolve } of this.#waiting) if (this.runs > runs) resolve()
    await Promise.race([stopped, this.#crash.promise])
    if (this.throwOnStop) throw new Error('on the way out')
  }

  crash(error: Error): void {
    this.#crash.reject(error)
  }

  /** Resolves once it has been started again this many times. */
  async restarted(restarts: number): Promise<void> {
    if (this.runs > restarts) return
    await new Promise<void>(resolve => this.#waiting.push({ runs: restarts, resolve }))
  }
}

class ManualClock {
  time = 0
  holds = false
  readonly slept: number[] = []
  readonly sleeping = Promise.withResolvers<void>()

  now(): number {
    return this.time
  }

  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    this.slept.push(ms)
    this.sleeping.resolve()
    if (this.holds) await new Promise<void>(resolve => signal.addEventListener('abort', () => resolve()))
    this.time += ms
  }
}

async function crashAndReturn(part: ScriptedPart, restarts: number): Promise<void> {
  part.crash(new Error(`crash ${restarts}`))
  await part.restarted(restarts)
}

function surroundings() {
  const clock = new ManualClock()
  const metrics = createMetrics({ reasons: REASONS })
  const written: string[] = []
  const log = createLog({ level: 'info', file: '' }, { to: { write: text => void written.push(text) } })
  const supervise = (part: SupervisedPart) => new Supervisor(part, { clock, log, metrics })
  const lines = () => written.map((text): Readonly<Record<string, unknown>> => JSON.parse(text))
  return { clock, metrics, supervise, lines }
}
