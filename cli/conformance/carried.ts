import { decodeFrame, vectorBytes, vectorFrame, vectorSend } from '../../specs/index.ts'
import type { DecodedFrame } from '../../specs/index.ts'
import { decodeIdentifier, decodeToken } from '../../protocols/index.ts'
import type { Conversation, Step } from './vectors.ts'

const CAP_LENGTH_AT = 27
const CAP_AT = 37
const MAX_LEN = 1_048_576
const NO_TENANT = '00000000-0000-0000-0000-000000000000'

/** The bytes with the capability in each whole frame that starts a call and carries none; all others as they are. */
export function carrying(bytes: Buffer, cap: Uint8Array | undefined): Buffer {
  if (cap === undefined) return bytes
  const parts: Buffer[] = []
  let at = 0
  for (const { from, next, frame } of wholeFrames(bytes)) {
    const whole = bytes.subarray(from, next)
    parts.push(frame.cap.length === 0 && startsCall(frame) ? withCap(whole, cap) : whole)
    at = next
  }
  return Buffer.concat([...parts, bytes.subarray(at)])
}

function* wholeFrames(bytes: Buffer) {
  for (let from = 0; from < bytes.length;) {
    const decoded = decodeFrame(bytes, from)
    if (decoded.outcome !== 'frame') return
    yield { from, next: decoded.next, frame: decoded.frame }
    from = decoded.next
  }
}

const startsCall = ({ app, flags }: DecodedFrame): boolean =>
  app !== 0 && flags.includes('REQ') && flags.includes('START')

function withCap(frame: Buffer, cap: Uint8Array): Buffer {
  const header = Buffer.from(frame.subarray(0, CAP_AT))
  header.writeUInt32LE(header.readUInt32LE(0) + cap.length, 0)
  header.writeUInt16LE(cap.length, CAP_LENGTH_AT)
  return Buffer.concat([header, cap, frame.subarray(CAP_AT)])
}

/** Why a case cannot be played under the capability; undefined when it can. */
export function cannotCarry({ steps, bare }: Conversation, cap: Uint8Array): string | undefined {
  if (bare === true) return undefined
  if (isAnswered(steps) && steps.map(sentBytes).some(hasRest))
    return 'its frames are cut or damaged where the capability would stand that this node wants'
  const starts = steps
    .map(sentBytes)
    .flatMap(bytes => [...wholeFrames(bytes)])
    .filter(({ frame }) => startsCall(frame))
    .map(({ frame }) => frame)
  if (starts.some(frame => frame.cap.length > 0))
    return 'its frames carry other bytes in the place of the capability that this node wants'
  if (starts.some(({ len }) => len + cap.length > mostLen(steps)))
    return 'its frames have no room for the capability that this node wants'
  const { tenant } = decodeIdentifier(decodeToken(cap).macaroon.identifier)
  if (starts.some(frame => frame.tenant !== NO_TENANT && frame.tenant !== tenant))
    return 'its frames name another tenant than the capability that this node wants'
  return undefined
}

/** Bytes behind the last whole frame: nothing can be put into what they begin. */
function hasRest(bytes: Buffer): boolean {
  const frames = [...wholeFrames(bytes)]
  return (frames.at(-1)?.next ?? 0) < bytes.length
}

const isAnswered = (steps: readonly Step[]): boolean => /"code":0\b/.test(JSON.stringify(steps))

/** The largest `len` that the case's own HELLO leaves. */
function mostLen(steps: readonly Step[]): number {
  const [, asked] = /max_frame\D{1,6}(\d+)/.exec(JSON.stringify(steps)) ?? []
  return asked === undefined ? MAX_LEN : Math.min(MAX_LEN, Number(asked))
}

function sentBytes(step: Step): Buffer {
  if ('send' in step) return vectorSend(step.send)
  if ('send_bytes' in step) return vectorBytes(step.send_bytes)
  if ('send_each' in step) return vectorFrame({ ...step.send_each.frame, corr_id: '0000000000000001' })
  return Buffer.alloc(0)
}
