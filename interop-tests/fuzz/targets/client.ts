import assert from 'node:assert/strict'
import { conversation } from '../engine/conversation.ts'
import { FRAME_MUTATIONS, STEP_VERSION, frame, record } from '../engine/frames.ts'
import { BYTE_MUTATIONS, joined } from '../engine/mutate.ts'
import type { Target } from '../engine/target.ts'
import { ACTS, ClientScene, shapeOf } from './client-scene.ts'
import type { Act } from './client-scene.ts'
import { JSON_TOKENS } from './dictionary.ts'
import { frameSeeds } from './seeds.ts'
import { turns, untilStill } from './surroundings.ts'

const MOST_OUT_RATIO = 11
const HELD_BESIDE_INPUT = 1_048_576 + 4
async function run(input: Uint8Array): Promise<void> {
  const steps = conversation(input, ACTS)
  const [shape] = steps
  const scene = new ClientScene(shapeOf(shape?.act === 'shape' ? shape.amount : 0))
  scene.call()
  await turns(2)
  for (const step of steps) {
    if (step.act === 'send') scene.send(step.bytes)
    else await scene.act(step.act, step.amount)
  }
  await untilStill(scene.progress)
  const mostHeld = HELD_BESIDE_INPUT + MOST_OUT_RATIO * scene.sentBytes
  assert.ok(scene.budget.most <= mostHeld, `${scene.budget.most} bytes are held for ${scene.sentBytes}`)
  checkOpen(scene)
  await checkLeavings(scene)
}

/** A call that has given its answer is not open; one whose body nobody reads may be. */
function checkOpen({ session, open }: ClientScene): void {
  const most = open.filter(({ isSettled, iterator }) => !isSettled || iterator !== undefined).length
  assert.ok(session.callsOpen() <= most, `${session.callsOpen()} calls are open, ${most} wait for something`)
}

async function checkLeavings(scene: ClientScene): Promise<void> {
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
