import assert from 'node:assert/strict'
import { encodeFrame, encodeRecord } from 'omnigate/protocols'
import { conversation } from '../engine/conversation.ts'
import { FRAME_MUTATIONS, STEP_VERSION, frame, record } from '../engine/frames.ts'
import { BYTE_MUTATIONS, joined } from '../engine/mutate.ts'
import type { Target } from '../engine/target.ts'
import { JSON_TOKENS } from './dictionary.ts'
import { MOST_EVENTS } from './sample-service.ts'
import { conversationSeeds, frameSeeds } from './seeds.ts'
import { ACTS, SessionScene, shapeOf } from './session-scene.ts'
import type { Act } from './session-scene.ts'
import { untilStill } from './surroundings.ts'

/** An id that no input uses by chance. */
const HONEST = 0xfabc_dead_beef_0001n
const MOST_ANSWER_BYTES_A_FRAME = 1024
const MOST_ECHO_RATIO = 11
const EVENT_BYTES = 37 + 16
const HELD_BESIDE_INPUT = 1_048_576 + 4

async function run(input: Uint8Array): Promise<void> {
  const steps = conversation(input, ACTS)
  const [shape] = steps
  const scene = new SessionScene(shapeOf(shape?.act === 'shape' ? shape.amount : 0))
  for (const step of steps) {
    if (step.act === 'send') scene.send(step.bytes)
    else await scene.act(step.act, step.amount)
  }
  await untilStill(scene.progress)
  await checkHonest(scene)
  checkAnswers(scene)
  await checkLeavings(scene)
}

/** A session that has no cause to end serves the next call. */
async function checkHonest(scene: SessionScene): Promise<void> {
  const { asked, answers, peer, connection } = scene
  const hasCause = !asked.isClean || asked.isPartial || scene.isOver || !scene.isTimeless || !scene.isRoomy
  if (hasCause || peer.status !== 'open' || peer.remoteWriteStatus === 'closed') return
  if (connection.limits.maxFrameBytes < 1_048_576 || asked.times.has(HONEST)) return
  if (peer.readStatus === 'paused') peer.resume()
  scene.send(encodeFrame({ flags: 0x19, app: 0x1001, corr: HONEST, payload: encodeRecord({ op: 'echo' }) }))
  await untilStill(scene.progress)
  assert.equal(answers.ends.get(HONEST), 1, 'the next honest call is not answered')
}

function checkAnswers({ faults, answers, asked, sentBytes, connection }: SessionScene): void {
  if (faults.length > 0) throw faults[0]
  const most = MOST_ANSWER_BYTES_A_FRAME * (asked.frames + 2) + MOST_ECHO_RATIO * sentBytes
  assert.ok(answers.otherBytes <= most, `${answers.otherBytes} bytes answer ${sentBytes}`)
  assert.ok(answers.eventFrames <= MOST_EVENTS * asked.frames, `${answers.eventFrames} events`)
  assert.ok(answers.eventBytes <= EVENT_BYTES * answers.eventFrames, `${answers.eventBytes} bytes of events`)
  for (const [corr, ends] of answers.ends) {
    const times = (asked.times.get(corr) ?? 0) + 1
    assert.ok(ends <= times, `${ends} answers for ${times - 1} frames of one corr_id`)
  }
  const mostHeld = HELD_BESIDE_INPUT + MOST_ECHO_RATIO * sentBytes
  assert.ok(connection.budget.most <= mostHeld, `${connection.budget.most} bytes are held for ${sentBytes}`)
}

async function checkLeavings({ session, peer, connection, faults, progress }: SessionScene): Promise<void> {
  peer.abort(new Error('over'))
  session.reset(new Error('over'))
  await untilStill(progress)
  if (faults.length > 0) throw faults[0]
  assert.equal(connection.calls, 0, 'calls are open on a stream that is gone')
  assert.equal(connection.budget.held, 0, 'bytes are held for a stream that is gone')
}

const step = (act: Act, amount = 0): Uint8Array =>
  frame(ACTS.indexOf(act), 0, 0, new Uint8Array(0), amount, STEP_VERSION)
const call = (flags: number, corr: number, payload: Uint8Array = new Uint8Array(0)): Uint8Array =>
  frame(flags, 0x1001, corr, payload)

/** The sample rows in use, under every shape. */
const ownSeeds = (): Uint8Array[] => {
  const talk = [
    call(0x19, 1, record('{"op":"echo"}', new Uint8Array(40))),
    call(0x09, 2, record('{"op":"stream"}')),
    call(0x01, 2, new Uint8Array(500)),
    call(0x39, 3, record('{"op":"count","to":9,"credit":20}')),
    step('turns', 2),
    call(0x11, 2),
    frame(
      0x19,
      0,
      9,
      new TextEncoder().encode('{"op":"credit","corr":"0000000000000003","up_to":1,"credit":50}')
    ),
    call(0x09, 4, record('{"op":"sum"}')),
    call(0x19, 5, record('{"op":"late","deadline_ms":20}')),
    call(0x11, 4, new Uint8Array(90))
  ]
  const shaped = Array.from({ length: 16 }, (_, amount) => joined(step('shape', amount), ...talk))
  const endings = (['pause', 'divide', 'drain', 'fin', 'reset'] as const).map(act =>
    joined(step(act, 5), ...talk, step('time', 1000), step('fin'))
  )
  return [...shaped, ...endings]
}

/** The vectors speak to app 1; here the sample service stands at 0x1001. */
const toSample = (bytes: Uint8Array): Uint8Array =>
  Uint8Array.from(
    Buffer.from(
      Buffer.from(bytes)
        .toString('latin1')
        .replaceAll('\x00\x00\x01\x00\x00\x00\x00', '\x00\x00\x01\x10\x00\x00\x00'),
      'latin1'
    )
  )

export const session: Target = {
  name: 'session',
  about:
    'the responder: never breaks, answers well and in proportion, serves the next call, leaves nothing behind',
  maxBytes: 4096,
  mutations: [
    ...Object.values(FRAME_MUTATIONS),
    ...Object.values(FRAME_MUTATIONS),
    ...Object.values(BYTE_MUTATIONS)
  ],
  dictionary: JSON_TOKENS,
  seeds: () => [...ownSeeds(), ...[...conversationSeeds(), ...frameSeeds()].map(toSample)],
  run
}
