import { OapError } from './errors.ts'
import { integer } from './fields.ts'
import { FLAG, KIND_MASK, corrHex, parseCorrHex } from './frame.ts'
import type { CorrId, Frame } from './frame.ts'
import { parseHelloRequest } from './hello.ts'
import type { HelloRequest } from './hello.ts'
import { encodeJson, parseJson } from './json.ts'
import type { Json, JsonObject } from './json.ts'

const countField = integer(0, Number.MAX_SAFE_INTEGER)

/** What control frames can ask of a session. */
export interface ControlTarget {
  /** Takes one HELLO from the bucket; false when the stream was reset instead. */
  takeHello(): boolean
  hello(frame: Frame, asked: HelloRequest): void
  cancel(corr: CorrId): void
  credit(corr: CorrId, upTo: number, bytes: number): void
  refuseControl(frame: Frame, error: OapError): void
}

/** Carries out a frame of app 0. False when it is of the wrong kind and must be dropped. */
export function control(frame: Frame, target: ControlTarget): boolean {
  const { flags } = frame
  const isFlagless = (flags & (KIND_MASK | FLAG.START | FLAG.END)) === 0
  if ((flags & KIND_MASK) !== FLAG.REQ && !isFlagless) return false
  const isEmptyEnd = (flags & FLAG.END) !== 0 && frame.payloadBytes === 0
  if (!isFlagless && (flags & FLAG.START) === 0 && isEmptyEnd) return true
  try {
    run(frame, isFlagless, target)
  } catch (error) {
    if (!(error instanceof OapError)) throw error
    target.refuseControl(frame, error)
  }
  return true
}

function run(frame: Frame, isFlagless: boolean, target: ControlTarget): void {
  if (!isFlagless && (frame.flags & FLAG.START) === 0)
    throw new OapError('bad_sequence', 'app 0: REQ without START')
  if ((frame.flags & (FLAG.COMP | FLAG.APP_E2E)) !== 0) {
    throw new OapError('bad_payload', 'app 0: COMP and APP_E2E have no meaning here')
  }
  const header = frame.payloadBytes === 0 ? undefined : parseJson(frame.payload)
  const op = header?.['op']
  if (header === undefined || op === undefined) {
    if (target.takeHello()) target.hello(frame, parseHelloRequest(header))
  } else if (op === 'cancel' || op === 'credit') operate(op, header, frame, target)
  else throw new OapError('unknown_operation', 'app 0: the operations are HELLO, cancel and credit')
}

function operate(op: 'cancel' | 'credit', header: JsonObject, frame: Frame, target: ControlTarget): void {
  if (frame.corr === 0) throw new OapError('bad_sequence', 'corr_id 0 belongs to HELLO')
  const corr = parseCorrHex(header['corr'])
  if (corr === undefined) throw new OapError('bad_request', 'corr: 16 lower-case hex digits')
  if (op === 'cancel') return target.cancel(corr)
  target.credit(corr, count(header, 'up_to'), count(header, 'credit'))
}

const count = (header: JsonObject, name: string): number => countField.read(header[name] as Json, name)

export const cancelPayload = (corr: CorrId): Uint8Array => encodeJson({ op: 'cancel', corr: corrHex(corr) })

export const creditPayload = (corr: CorrId, upTo: number, bytes: number): Uint8Array =>
  encodeJson({ op: 'credit', corr: corrHex(corr), up_to: upTo, credit: bytes })
