import { decodeFrame, vectorBytes } from '../../specs/index.ts'
import type { Bytes, DecodedFrame } from '../../specs/index.ts'
import type { Conversation, GivenFrame, MoreFrames, Step, Vectors } from './vectors.ts'

const ALIVE: Step = { expect: 'alive' }
const ECHO_APP = 1

/** Every frame vector as something that a live node has to answer, drop or refuse. */
export function frameCases({ given, frames }: Vectors): Conversation[] {
  return [
    ...[...given.valid, ...given.edge].map(vector => accepted(vector, vector.hex)),
    ...frames.valid.map(vector => accepted(vector, vector.bytes)),
    ...frames.invalid.map(refused),
    ...frames.sequences.filter(hasOneCall).map(sequence)
  ]
}

function accepted({ name, about }: Pick<GivenFrame, 'name' | 'about'>, bytes: Bytes): Conversation {
  const decoded = decodeFrame(vectorBytes(bytes))
  if (decoded.outcome !== 'frame') throw new Error(`vector ${name} is not one whole frame`)
  return {
    id: `frame-${name}`,
    rule: '3',
    about,
    steps: [{ send_bytes: bytes }, ...answerTo(decoded.frame), ALIVE]
  }
}

const KINDS = ['REQ', 'RESP', 'EVENT']

/** What section 5 says of a frame that comes alone, on an app that the node may or may not serve. */
function answerTo(frame: DecodedFrame): Step[] {
  const { app, corr_id } = frame
  const kinds = frame.flags.filter(flag => KINDS.includes(flag))
  const starts = frame.flags.includes('START')
  if (app === 0 && isHello(frame, kinds)) return [{ expect: { app, corr_id, code: 0 } }]
  if (kinds.join() !== 'REQ' || isEmptyEnd(frame)) return [ALIVE, { expect_none: { corr_id } }]
  if (!starts) return [refusal('bad_sequence', 400, app, corr_id)]
  return app === ECHO_APP ? echoAnswer(frame) : []
}

const isHello = (frame: DecodedFrame, kinds: readonly string[]): boolean =>
  frame.flags.length === 0 || (kinds.join() === 'REQ' && frame.flags.includes('START'))

const isEmptyEnd = ({ flags, payload }: DecodedFrame): boolean =>
  flags.includes('END') && !flags.includes('START') && payload.length === 0

function echoAnswer({ corr_id, payload, flags }: DecodedFrame): Step[] {
  const isEcho = payload.includes('"op":"echo"') && !flags.includes('COMP')
  return [isEcho ? { expect_answer: { corr_id, code: 0 } } : refusal('bad_payload', 400, ECHO_APP, corr_id)]
}

const refusal = (reason: string, code: number, app: number, corr_id: string | string[]): Step => ({
  expect: { flags: ['RESP', 'END'], app, corr_id, code, reason }
})

function refused(vector: MoreFrames['invalid'][number]): Conversation {
  const { app, corr_id } = vector.answer
  const either = vector.reason === 'bad_version' ? [corr_id, '0000000000000000'] : corr_id
  return {
    id: `frame-${vector.name}`,
    rule: '4',
    about: vector.about,
    steps: [
      { send_bytes: vector.bytes },
      refusal(vector.reason, vector.status, app, either),
      vector.session === 'closes' ? { expect: 'close' } : ALIVE
    ]
  }
}

// Two calls under one corr_id may meet on a live node; a decoder alone is asked for that.
const hasOneCall = ({ outcome }: MoreFrames['sequences'][number]): boolean =>
  outcome.filter(result => result === 'frame').length <= 1

const SEQUENCE_CORR = '0000000000000009'
const AFTERWARDS: Record<MoreFrames['sequences'][number]['rest'], Step[]> = {
  clean: [ALIVE],
  partial: [{ fin: true }, { expect: 'reset' }],
  broken: [{ expect: 'close' }]
}

function sequence(vector: MoreFrames['sequences'][number]): Conversation {
  const answers = vector.outcome.map((outcome): Step =>
    outcome === 'frame'
      ? { expect_answer: { corr_id: SEQUENCE_CORR, code: 0 } }
      : { expect: { flags: ['RESP', 'END'], reason: outcome } }
  )
  const steps = [{ send_bytes: vector.bytes }, ...answers, ...AFTERWARDS[vector.rest]]
  return { id: `frames-${vector.name}`, rule: '4', about: vector.about, steps }
}
