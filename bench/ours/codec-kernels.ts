import {
  encodeFrame,
  FLAG,
  FrameDecoder,
  FrameWriter,
  HEADER_BYTES,
  MAX_PAYLOAD_BYTES
} from 'omnigate/protocols'
import type { ByteStream, Frame, FrameSink } from 'omnigate/protocols'
import type { Kernel } from '../harness/kernel.ts'

/** The most plaintext that one noise record carries: 65,535 bytes less the tag. */
const NOISE_PLAINTEXT_BYTES = 65_519
const KIB = 1024
const SMALL_FRAMES = 1024
const SMALL_PAYLOAD = new Uint8Array(16).fill(7)
/** Calls answered in one turn of the event loop, and so sent in one write. */
const FRAMES_A_TURN = 64
const BULK_FRAMES = 64

/** Reads what a session reads of every frame, so that nothing of the decoding can be left out. */
class ReadingSink implements FrameSink {
  sum = 0
  frame(frame: Frame): boolean {
    this.sum += Number(frame.corr) + frame.flags + frame.app + frame.payloadBytes
    return true
  }
  fault(fault: { message: string }): boolean {
    throw new Error(fault.message)
  }
}

export function codecKernels(): readonly Kernel[] {
  const oneMib = encodeFrame({
    flags: FLAG.RESP,
    app: 1,
    corr: 7,
    payload: new Uint8Array(MAX_PAYLOAD_BYTES).fill(7)
  })
  return [
    encodeSmall(),
    decoding('decode small', smallFrames(), 64 * KIB, SMALL_FRAMES),
    decoding('decode 64 KiB', bulkFrames(), NOISE_PLAINTEXT_BYTES, BULK_FRAMES * 64 * KIB),
    decoding('1 KiB pieces', oneMib, KIB, 1),
    decoding('64 KiB pieces', oneMib, 64 * KIB, 1),
    { name: 'memcpy', run: () => (oneMib.slice().length > 0 ? 1 : 0) }
  ]
}

function decoding(name: string, bytes: Uint8Array, pieceBytes: number, amount: number): Kernel {
  const pieces: Uint8Array[] = []
  for (let at = 0; at < bytes.length; at += pieceBytes) pieces.push(bytes.subarray(at, at + pieceBytes))
  const sink = new ReadingSink()
  const decoder = new FrameDecoder(sink)
  return {
    name,
    run: () => {
      const before = sink.sum
      for (const piece of pieces) decoder.push(piece)
      if (sink.sum === before || decoder.isPartial) throw new Error(`${name}: frames are missing`)
      return amount
    }
  }
}

/** A stream that takes every write at once and keeps only its length. */
class Sink implements ByteStream {
  readonly status = 'open'
  readonly readStatus = 'readable'
  readonly writableNeedsDrain = false
  readonly readBufferLength = 0
  sent = 0
  send(bytes: { byteLength: number }): boolean {
    this.sent += bytes.byteLength
    return true
  }
  pause(): void {}
  resume(): void {}
  abort(): void {}
  addEventListener(): void {}
  async close(): Promise<void> {}
}

function encodeSmall(): Kernel {
  const stream = new Sink()
  const writer = new FrameWriter(stream)
  let corr = 0
  return {
    name: 'encode small',
    run: () => {
      const before = stream.sent
      for (let turn = 0; turn < SMALL_FRAMES / FRAMES_A_TURN; turn++) {
        for (let i = 0; i < FRAMES_A_TURN; i++)
          writer.write(FLAG.RESP | FLAG.END, 0, 1, undefined, ++corr, SMALL_PAYLOAD)
        writer.flush()
      }
      if (stream.sent - before !== SMALL_FRAMES * (HEADER_BYTES + SMALL_PAYLOAD.length))
        throw new Error('encode: bytes are missing')
      return SMALL_FRAMES
    }
  }
}

function smallFrames(): Uint8Array {
  const frames = Array.from({ length: SMALL_FRAMES }, (_, i) =>
    encodeFrame({ flags: FLAG.RESP | FLAG.END, app: 1, corr: i + 1, payload: SMALL_PAYLOAD })
  )
  return Buffer.concat(frames)
}

function bulkFrames(): Uint8Array {
  const payload = new Uint8Array(64 * KIB).fill(7)
  return Buffer.concat(
    Array.from({ length: BULK_FRAMES }, () => encodeFrame({ flags: FLAG.RESP, app: 1, corr: 7, payload }))
  )
}
