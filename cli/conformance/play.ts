import { setTimeout as delay } from 'node:timers/promises'
import type { Connection } from '@libp2p/interface'
import { vectorBytes, vectorFrame, vectorSend } from '../../specs/index.ts'
import type { DecodedFrame } from '../../specs/index.ts'
import { carrying } from './carried.ts'
import { ExpectationFailure } from './expectation-failure.ts'
import { answerFault, frameFault } from './judge.ts'
import { identifiesWithout, propose } from './protocols.ts'
import type { AnswerExpectation, FrameExpectation, Step, SuchAnswer } from './vectors.ts'
import { Wire, describe, whatCame } from './wire.ts'

const WITHIN_MS = 5000
const STALL_MS = 1500
const ALIVE_CORRS_FROM = 0x7000_0000

interface Session {
  readonly connection: Connection
  wire: Wire
}

/** Where a conversation stands: its session, and those that it had on other connections. */
interface Place {
  readonly connect: () => Promise<Connection>
  readonly sessions: Session[]
  session: Session
  alives: number
  /** The last answer that `expect_such` took. */
  taken: readonly DecodedFrame[]
  /** What calls carry that bring nothing of their own. */
  readonly cap: Uint8Array | undefined
}

/**
 * Plays the steps in order on a fresh session of a connection; steps may ask for further ones.
 * @throws ExpectationFailure at the first step that is not met.
 */
export async function play(
  steps: readonly Step[],
  connect: () => Promise<Connection>,
  cap?: Uint8Array
): Promise<void> {
  const session = await newSession(connect)
  const place: Place = { connect, sessions: [session], session, alives: 0, taken: [], cap }
  for (const step of steps) await take(step, place)
}

async function newSession(connect: () => Promise<Connection>): Promise<Session> {
  const connection = await connect()
  return { connection, wire: await Wire.open(connection) }
}

async function take(step: Step, place: Place): Promise<void> {
  const {
    session: { wire },
    cap
  } = place
  if ('send' in step) return write(wire, carrying(vectorSend(step.send), cap), step.pieces)
  if ('send_bytes' in step) return wire.write(carrying(vectorBytes(step.send_bytes), cap))
  if ('send_each' in step) return wire.write(carrying(eachFrame(step.send_each), cap))
  if ('expect' in step) return expect(step, place)
  if ('expect_answer' in step) return expectAnswer(wire, step.expect_answer, step.within_ms)
  if ('expect_body' in step) return expectBody(wire, step.expect_body, step.within_ms)
  if ('send_after' in step) return wire.write(carrying(vectorFrame(step.send_after(place.taken)), cap))
  if ('expect_such' in step) return expectSuch(place, step.expect_such, step.within_ms)
  if ('expect_none' in step) return expectNo(wire, step.expect_none.corr_id, () => true, 'no frame')
  if ('expect_unfinished' in step)
    return expectNo(wire, step.expect_unfinished.corr_id, isLast, 'no frame with END')
  if ('forget' in step) return wire.forget(step.forget.corr_id)
  if ('expect_stall' in step) return expectStall(wire, step.expect_stall)
  if ('fin' in step) return wire.fin()
  if ('reset' in step) return wire.reset()
  if ('open' in step) return void (place.session.wire = await Wire.open(place.session.connection))
  if ('connect' in step) return void place.sessions.push((place.session = await newSession(place.connect)))
  if ('use' in step) return void (place.session = place.sessions[step.use]!)
  if ('check' in step) return check(step)
  if ('propose' in step) return propose(place.session.connection, step.propose)
  if ('identify_without' in step) return identifiesWithout(place.session.connection, step.identify_without)
  if ('wait_ms' in step) return delay(step.wait_ms)
  throw new Error(`no such step: ${JSON.stringify(step)}`)
}

async function write(wire: Wire, bytes: Buffer, pieces = bytes.length): Promise<void> {
  for (let at = 0; at < bytes.length; at += pieces) await wire.write(bytes.subarray(at, at + pieces))
}

function eachFrame({ from, to, frame }: Extract<Step, { send_each: unknown }>['send_each']): Buffer {
  const corrs = Array.from({ length: to - from + 1 }, (_, n) => (from + n).toString(16).padStart(16, '0'))
  return Buffer.concat(corrs.map(corr_id => vectorFrame({ ...frame, corr_id })))
}

function check({ check: holds, words }: Extract<Step, { check: unknown }>): void {
  if (!holds()) throw new ExpectationFailure(words, 'the opposite')
}

const isLast = ({ flags }: DecodedFrame): boolean => flags.includes('END')

async function expect(step: Extract<Step, { expect: unknown }>, place: Place): Promise<void> {
  const withinMs = step.within_ms ?? WITHIN_MS
  if (step.expect === 'alive') return expectAlive(place, withinMs)
  if (step.expect === 'close') return expectClose(place.session.wire, withinMs)
  if (step.expect === 'reset')
    return expectReset(
      place.session.wire,
      withinMs,
      'after_any_frames' in step && step.after_any_frames === true
    )
  return expectFrame(place.session.wire, step.expect, withinMs)
}

async function expectAlive(place: Place, withinMs: number): Promise<void> {
  const corr_id = (ALIVE_CORRS_FROM + place.alives++).toString(16).padStart(16, '0')
  const payload = { record: { header: { utf8: '{"op":"echo"}' }, body: { utf8: corr_id } } }
  const echo = vectorFrame({ flags: ['REQ', 'START', 'END'], app: 1, corr_id, payload })
  await place.session.wire.write(carrying(echo, place.cap))
  await expectAnswer(place.session.wire, { corr_id, code: 0, body: { utf8: corr_id } }, withinMs)
}

async function expectClose(wire: Wire, withinMs: number): Promise<void> {
  const end = await wire.ended(withinMs)
  if (end === 'fin' || end === 'reset') return
  throw new ExpectationFailure('the end of the stream', whatCame(wire, withinMs))
}

async function expectReset(wire: Wire, withinMs: number, afterAny: boolean): Promise<void> {
  const deadline = performance.now() + withinMs
  let end = await wire.ended(withinMs)
  while (end === 'fin' && performance.now() < deadline) {
    await delay(20)
    end = wire.end
  }
  if (end === 'reset' && (afterAny || wire.untaken.length === 0)) return
  throw new ExpectationFailure('a reset of the stream and nothing else', whatCame(wire, withinMs))
}

async function expectFrame(wire: Wire, expected: FrameExpectation, withinMs: number): Promise<void> {
  const corrs = expected.corr_id === undefined ? undefined : [expected.corr_id].flat()
  const words = `a frame ${JSON.stringify(expected)}`
  const frame = await wire.take(({ corr_id }) => corrs?.includes(corr_id) ?? true, withinMs)
  if (frame === undefined) throw new ExpectationFailure(words, whatCame(wire, withinMs))
  const fault = frameFault(frame, expected)
  if (fault !== undefined) throw new ExpectationFailure(words, `${fault}: ${describe(frame)}`)
}

async function expectAnswer(wire: Wire, expected: AnswerExpectation, withinMs = WITHIN_MS): Promise<void> {
  const words = `an answer ${JSON.stringify(expected).slice(0, 300)}`
  const frames = await wholeAnswer(wire, expected.corr_id, words, withinMs)
  const fault = answerFault(frames, expected)
  if (fault !== undefined) throw new ExpectationFailure(words, `${fault}: ${describe(frames.at(-1)!)}`)
}

async function expectSuch(
  place: Place,
  { corr_id, words, fault: faultOf, isError = false, keeps = false }: SuchAnswer,
  withinMs = WITHIN_MS
): Promise<void> {
  const frames = await wholeAnswer(place.session.wire, corr_id, words, withinMs)
  const isOne = frames.at(-1)!.code !== 0
  const isExpected = isError === 'either' || isOne === isError
  const fault = isExpected ? judged(() => faultOf(frames)) : isOne ? 'an error' : 'no error'
  if (fault !== undefined) throw new ExpectationFailure(words, `${fault}: ${describe(frames.at(-1)!)}`)
  if (!keeps) place.taken = frames
}

/** What cannot even be read is a fault, too. */
function judged(judge: () => string | undefined): string | undefined {
  try {
    return judge()
  } catch (error) {
    return String(error)
  }
}

async function wholeAnswer(
  wire: Wire,
  corrId: string,
  words: string,
  withinMs: number
): Promise<DecodedFrame[]> {
  const frames: DecodedFrame[] = []
  for (let over = false; !over; over = isLast(frames.at(-1)!)) {
    const frame = await wire.take(({ corr_id }) => corr_id === corrId, withinMs)
    if (frame === undefined) throw new ExpectationFailure(words, whatCame(wire, withinMs))
    frames.push(frame)
  }
  return frames
}

async function expectBody(
  wire: Wire,
  expected: Extract<Step, { expect_body: unknown }>['expect_body'],
  withinMs = WITHIN_MS
): Promise<void> {
  const wanted = vectorBytes(expected.body)
  let came = Buffer.alloc(0)
  while (came.length < wanted.length) {
    const frame = await wire.take(({ corr_id }) => corr_id === expected.corr_id, withinMs)
    const words = `${wanted.length} bytes of the body before its end`
    if (frame === undefined) throw new ExpectationFailure(words, whatCame(wire, withinMs))
    if (isLast(frame)) throw new ExpectationFailure(words, describe(frame))
    came = Buffer.concat([came, frame.payload])
  }
  if (!came.equals(wanted)) throw new ExpectationFailure('the same bytes', `${came.length} other bytes`)
}

async function expectStall(
  wire: Wire,
  { frame, most_bytes }: Extract<Step, { expect_stall: unknown }>['expect_stall']
): Promise<void> {
  const taken = await wire.flood(vectorFrame(frame), most_bytes, STALL_MS)
  if (taken !== undefined) return
  const expected = 'a node that stops reading while its answer is not read'
  throw new ExpectationFailure(expected, `it took more than ${most_bytes} bytes`)
}

function expectNo(
  wire: Wire,
  corrId: string,
  forbidden: (frame: DecodedFrame) => boolean,
  words: string
): void {
  const frame = wire.untaken.find(other => other.corr_id === corrId && forbidden(other))
  if (frame !== undefined) throw new ExpectationFailure(`${words} of corr ${corrId}`, describe(frame))
}
