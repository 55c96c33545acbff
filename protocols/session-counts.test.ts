import assert from 'node:assert/strict'
import test from 'node:test'
import { encodeJson } from './json.ts'
import { FLAG, encodeFrame } from './frame.ts'
import type { CorrId } from './frame.ts'
import { OapError } from './errors.ts'
import { memoryStreams } from './memory-streams.ts'
import { plainPlatform } from './platform.ts'
import { ServerSession } from './server-session.ts'
import { OpenConnection, quiet, serving } from './session-pair.fixture.ts'

const { REQ, RESP, START, END } = FLAG
const SAMPLE = 0x1001

/** A responder of which everything that it tells its observer is kept. */
function counted(connection = new OpenConnection()) {
  const [peer, far] = memoryStreams()
  const told = { calls: { in: 0, out: 0 }, apart: { in: 0, out: 0 }, control: { in: 0, out: 0 } }
  const ends: (readonly [status: number, reason: string | undefined])[] = []
  const rejected: string[] = []
  const session = new ServerSession(far, {
    connection,
    services: serving({ sent: 0 }),
    facts: () => ({
      serverVersion: 'test',
      transports: [],
      revocationSeq: 0,
      apps: [SAMPLE],
      compression: false
    }),
    platform: plainPlatform,
    observer: {
      ...quiet,
      answered(call, status, _ms, reason) {
        told.calls.in += call.bytesIn
        told.calls.out += call.bytesOut
        ends.push([status, reason])
      },
      apart(app, bytesIn, bytesOut) {
        const sum = app === 0 ? told.control : told.apart
        sum.in += bytesIn
        sum.out += bytesOut
      },
      rejected: reason => void rejected.push(reason)
    }
  })
  return { peer, far, session, told, ends, rejected }
}

const frame = (flags: number, corr: CorrId, json?: object, app = SAMPLE): Uint8Array =>
  encodeFrame({ flags, app, corr, ...(json && { payload: encodeJson(json as never) }) })

/** A frame whose `cap_len` is more than it holds. */
function overflowing(corr: CorrId): Uint8Array {
  const bytes = frame(REQ | START, corr, { op: 'echo' })
  bytes[27] = 0xff
  return bytes
}

const turns = async (): Promise<void> => {
  for (let i = 0; i < 8; i++) await new Promise(resolve => setImmediate(resolve))
}

const sum = (frames: readonly Uint8Array[]): number => frames.reduce((total, { length }) => total + length, 0)

test('each frame is counted once, in and out, be it of a call, of control or of nobody', async () => {
  const { peer, far, told } = counted()
  const control = [
    frame(0, 0, undefined, 0),
    frame(REQ | START | END, 9, { op: 'cancel', corr: '0000000000000063' }, 0),
    frame(REQ | START | END, 10, { op: 'nothing' }, 0)
  ]
  const ofNobody = [
    frame(REQ, 77, { n: 1 }),
    frame(REQ, 77, { n: 2 }),
    frame(REQ | END, 78),
    frame(RESP | END, 1),
    frame(REQ | START | END, 0, { op: 'echo' }),
    overflowing(79)
  ]
  const ofCalls = [
    frame(REQ | START | END, 1, { op: 'echo' }),
    frame(REQ | START, 2, { op: 'stream' }),
    frame(REQ, 2, { body: 1 }),
    frame(REQ | START | END, 2, { op: 'stream' }),
    frame(REQ | START, 3, { op: 'stream' }),
    overflowing(3)
  ]

  peer.send(Buffer.concat([...control, ...ofNobody, ...ofCalls]))
  await turns()

  assert.equal(told.control.in, sum(control))
  assert.equal(told.apart.in, sum(ofNobody))
  assert.equal(told.calls.in, sum(ofCalls))
  assert.ok(told.control.out > 0 && told.apart.out > 0)
  assert.equal(told.calls.out + told.apart.out + told.control.out, far.sentBytes)
})

test('calls that a fault of their peer ends have that for their outcome, and are one refusal together', async () => {
  const { peer, far, told, ends, rejected } = counted()
  peer.send(
    Buffer.concat([frame(REQ | START | END, 1, { op: 'late' }), frame(REQ | START, 2, { op: 'stream' })])
  )
  await turns()

  peer.send(Uint8Array.of(0xff, 0xff, 0xff, 0xff))
  await turns()

  assert.deepEqual(ends, [
    [413, 'frame_oversize'],
    [413, 'frame_oversize']
  ])
  assert.deepEqual(rejected, ['frame_oversize'])
  assert.equal(told.calls.out + told.control.out, far.sentBytes)
})

test('calls that this side’s reset ends have its error for their outcome', async () => {
  const { peer, session, ends, rejected } = counted()
  for (const corr of [1, 2]) peer.send(frame(REQ | START | END, corr, { op: 'late' }))
  await turns()

  session.reset(new OapError('draining'))
  await turns()

  assert.deepEqual(ends, [
    [503, 'draining'],
    [503, 'draining']
  ])
  assert.deepEqual(rejected, ['draining'])
})

test('a stream that is reset for too many HELLOs is one refusal, whatever calls it had', async () => {
  class Curious extends OpenConnection {
    override takeHello(): boolean {
      return false
    }
  }
  const { peer, ends, rejected } = counted(new Curious())
  for (let corr = 1; corr <= 5; corr++) peer.send(frame(REQ | START | END, corr, { op: 'late' }))
  await turns()

  peer.send(frame(0, 0, undefined, 0))
  await turns()

  assert.deepEqual(
    ends,
    Array.from({ length: 5 }, () => [429, 'quota_peer'])
  )
  assert.deepEqual(rejected, ['quota_peer'])
})

test('calls whose caller resets the stream are nobody’s refusals', async () => {
  const { peer, ends, rejected } = counted()
  peer.send(frame(REQ | START | END, 1, { op: 'late' }))
  await turns()

  peer.abort(new Error('enough'))
  await turns()

  assert.deepEqual([ends, rejected], [[[499, undefined]], []])
})
