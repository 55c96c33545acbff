import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { OapError } from './errors.ts'
import { FLAG, encodeFrame } from './frame.ts'
import { memoryStreams } from './memory-streams.ts'
import { plainPlatform } from './platform.ts'
import { encodeRecord } from './record.ts'
import { ServerSession } from './server-session.ts'
import { OpenConnection, pair, quiet, serving } from './session-pair.fixture.ts'

const RUNS = { numRuns: 1000 }

const turns = async (n: number): Promise<void> => {
  for (let i = 0; i < n; i++) await new Promise(resolve => setImmediate(resolve))
}

const ops = ['echo', 'late', 'stream', 'count', 'nothing'] as const

const payloads = fc.oneof(
  fc
    .tuple(fc.constantFrom(...ops), fc.uint8Array({ maxLength: 60 }))
    .map(([op, body]) => encodeRecord({ op, to: 5 }, body)),
  fc
    .constantFrom(
      '{"op":"cancel","corr":"0000000000000002"}',
      '{"op":"credit","corr":"0000000000000001","up_to":1,"credit":9}',
      '{}',
      '{"op":'
    )
    .map(text => new TextEncoder().encode(text)),
  fc.uint8Array({ maxLength: 30 })
)

/** Frames near the valid ones: few ids, so that they meet; any flags; any app. */
const frames = fc
  .record({
    flags: fc.oneof(
      fc.constantFrom(FLAG.REQ | FLAG.START, FLAG.REQ | FLAG.START | FLAG.END, FLAG.REQ, FLAG.REQ | FLAG.END),
      fc.integer({ min: 0, max: 255 })
    ),
    app: fc.constantFrom(0, 0x1001, 0x1001, 7),
    corr: fc.integer({ min: 0, max: 3 }),
    payload: payloads
  })
  .map(f => encodeFrame(f))

const steps = fc.array(
  fc.oneof({ arbitrary: frames, weight: 9 }, { arbitrary: fc.uint8Array({ maxLength: 50 }), weight: 1 }),
  {
    maxLength: 14
  }
)

test('survives any conversation, and holds nothing once the stream is gone', async () => {
  await fc.assert(
    fc.asyncProperty(steps, fc.boolean(), async (sent, resets) => {
      const [left, right] = memoryStreams()
      const connection = new OpenConnection()
      const failures: unknown[] = []
      const session = new ServerSession(right, {
        connection,
        services: serving({ sent: 0 }),
        facts: () => ({
          serverVersion: 'test',
          transports: [],
          revocationSeq: 0,
          apps: [],
          compression: false
        }),
        platform: plainPlatform,
        observer: {
          ...quiet,
          failed: (_call, error) => failures.push(error),
          broke: error => failures.push(error)
        }
      })

      for (const bytes of sent) if (left.status === 'open') left.send(bytes)
      await turns(2)
      if (resets) left.abort(new Error('enough'))
      else void left.close()
      await turns(3)
      session.reset(new Error('over'))
      await turns(2)

      assert.deepEqual(failures, [])
      assert.equal(connection.calls, 0)
      assert.equal(connection.budget.held, 0)
    }),
    RUNS
  )
})

test('gives every call exactly one end, whatever is cancelled and cut off', async () => {
  const plan = fc.array(fc.record({ op: fc.constantFrom('echo', 'late', 'count'), cancels: fc.boolean() }), {
    maxLength: 12
  })
  await fc.assert(
    fc.asyncProperty(plan, fc.boolean(), async (calls, cuts) => {
      const { calls: hub, left, connection } = pair()
      const settled = Promise.allSettled(
        calls.map(({ op, cancels }) => {
          const abort = new AbortController()
          if (cancels) setImmediate(() => abort.abort(new Error('cancelled')))
          const options = { signal: abort.signal }
          if (op === 'echo') return hub.echo({ body: Uint8Array.of(1) }, options)
          if (op === 'late') return hub.late({}, { ...options, deadlineMs: 3 })
          return hub.count({ to: 3 }, options).then(async events => {
            for await (const event of events) void event
          })
        })
      )
      if (cuts) setImmediate(() => left.abort(new Error('cut')))

      const results = await settled
      left.abort(new Error('over'))
      await turns(3)

      for (const result of results)
        if (result.status === 'rejected') assert.ok(isExpected(result.reason), String(result.reason))
      assert.equal(connection.calls, 0)
      assert.equal(connection.budget.held, 0)
    }),
    RUNS
  )
})

const isExpected = (error: unknown): boolean =>
  (error instanceof OapError && (error.code === 'deadline' || error.reason === 'session_lost')) ||
  (error instanceof Error && /cancelled|cut|reset/.test(error.message))
