import {
  FrameDecoder,
  Frame,
  HEADER_BYTES,
  LENGTH_BYTES,
  MAX_FRAME_BYTES,
  corrHex,
  ERRORS
} from '../../protocols/index.ts'
import type { FrameFault } from '../../protocols/index.ts'
import { headerFields } from './header-fields.ts'
import { explainKind } from './kind.ts'
import { explainPayload } from './payload.ts'

export interface ExplainedField {
  /** From the first byte of the frame. */
  readonly offset: number
  readonly bytes: number
  /** The bytes themselves, at most 32 of them. */
  readonly hex: string
  readonly name: string
  readonly value: string
}

export interface ExplainedFrame {
  /** Counted from 1. */
  readonly frame: number
  /** Of its first byte in the input. */
  readonly offset: number
  readonly bytes: number
  /** What it is in the conversation, in a few words. */
  readonly about: string
  readonly fields: readonly ExplainedField[]
}

export interface Explanation {
  readonly frames: readonly ExplainedFrame[]
  /** What a receiver would refuse or drop, one line each. */
  readonly problems: readonly string[]
}

/** Takes bytes apart as a receiver with the usual limits would, up to the first fault that hides what follows. */
export function explainFrames(bytes: Uint8Array): Explanation {
  const frames: ExplainedFrame[] = []
  const problems: string[] = []
  let next = 0
  const decoder = new FrameDecoder({
    frame(frame) {
      const { explained, problem } = explainFrame(frame, frames.length + 1)
      frames.push(explained)
      if (problem !== undefined) problems.push(`${place(frames.length, frame.start)}: ${problem}`)
      next = frame.end
      return true
    },
    fault(fault) {
      const header = headerOnly(bytes, next, frames.length + 1)
      problems.push(`${place(frames.length + 1, next)}: ${faultText(fault)}`)
      if (header !== undefined) frames.push(header)
      next = bytes.length
      return false
    }
  })
  decoder.push(bytes)
  if (next < bytes.length) {
    problems.push(`${place(frames.length + 1, next)}: cut off: ${cutOff(bytes, next)}`)
    const header = headerOnly(bytes, next, frames.length + 1)
    if (header !== undefined) frames.push(header)
  }
  return { frames, problems }
}

const place = (frame: number, offset: number): string => `frame ${frame} at byte ${offset}`

function faultText({ code, message, fatal, corr }: FrameFault): string {
  const after = fatal ? 'the stream ends' : 'the session lives'
  return `${code} (${ERRORS[code].status}): ${message}; answered with corr_id ${corrHex(corr)}, then ${after}`
}

function cutOff(bytes: Uint8Array, start: number): string {
  const present = bytes.length - start
  if (present < LENGTH_BYTES) return `${present} bytes of ${LENGTH_BYTES} for len`
  const len = new DataView(bytes.buffer, bytes.byteOffset + start).getUint32(0, true)
  return `${present} of ${len + LENGTH_BYTES} bytes are there`
}

function explainFrame(
  frame: Frame,
  number: number
): { explained: ExplainedFrame; problem: string | undefined } {
  const kind = explainKind(frame)
  const payload = explainPayload(frame)
  const explained = {
    frame: number,
    offset: frame.start,
    bytes: frame.end - frame.start,
    about: payload.about ?? kind.about,
    fields: [...headerFields(frame), ...payload.fields]
  }
  return { explained, problem: kind.problem ?? payload.problem }
}

/** The header of a frame that cannot be read further, if all of it is there. */
function headerOnly(bytes: Uint8Array, start: number, number: number): ExplainedFrame | undefined {
  if (bytes.length - start < HEADER_BYTES) return undefined
  const end = Math.min(bytes.length, start + LENGTH_BYTES + MAX_FRAME_BYTES)
  const frame = new Frame(bytes, start, end)
  return {
    frame: number,
    offset: start,
    bytes: end - start,
    about: 'cannot be read as a frame; its header',
    fields: headerFields(frame)
  }
}
