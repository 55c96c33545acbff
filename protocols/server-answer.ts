import { AnswerPace } from './answer-pace.ts'
import { OapError } from './errors.ts'
import { FLAG } from './frame.ts'
import type { ServerCall } from './server-call.ts'
import type { FrameWriter } from './frame-writer.ts'
import type { Platform } from './platform.ts'
import type { Parts, Seal, Streamed, StreamedAnswer, Subscription, Unary } from './service.ts'

const EMPTY = new Uint8Array(0)

/** Where answers go. */
export interface AnswerPort {
  readonly writer: FrameWriter
  readonly platform: Platform
  /** The largest payload of one RESP frame. */
  readonly maxChunkBytes: number
  /** The largest payload of one frame. */
  readonly maxPayloadBytes: number
  /** Queues one frame of a call's answer; `status` is 0 unless it is another kind of success. */
  send(call: ServerCall, flags: number, head: Uint8Array, body: Uint8Array, status?: number): void
  /** Asks for the first frame of a row, of so many payload bytes; resolves when the rates allow it, undefined for at once. */
  release(call: ServerCall, bytes: number): Promise<void> | undefined
  /** The answer's END has been queued: the call is over. */
  end(call: ServerCall): void
}

/** One answer: a single frame where it fits, else chunks. */
export function sendUnary(
  port: AnswerPort,
  call: ServerCall,
  value: unknown,
  row: Unary<unknown, unknown>
): void {
  const { head, body } = row.answer.encode(value)
  const seal = sealOfValue(row, value)
  const flags = FLAG.RESP | sealFlags(call, row) | seal
  const size = head.length + body.length
  if (size <= port.maxChunkBytes) port.send(call, flags | FLAG.START | FLAG.END, head, body)
  else sendChunks(port, call, flags, head.length === 0 ? body : concat(head, body))
  port.end(call)
}

function sendChunks(port: AnswerPort, call: ServerCall, flags: number, bytes: Uint8Array): void {
  const step = port.maxChunkBytes
  for (let at = 0; at < bytes.length; at += step) {
    const first = at === 0 ? FLAG.START : 0
    const last = at + step >= bytes.length ? FLAG.END : 0
    port.send(call, flags | first | last, EMPTY, bytes.subarray(at, at + step))
  }
}

/** A head, then a body as the handler yields it; the handler waits while the peer does not read. */
export async function sendStream(
  port: AnswerPort,
  call: ServerCall,
  answer: unknown,
  row: Streamed<unknown, unknown>
): Promise<void> {
  const { head, body, chunks = body, status } = answer as StreamedAnswer<unknown>
  const flags = FLAG.RESP | sealFlags(call, row)
  const parts = row.answer.encode(head)
  const pace = new AnswerPace(port.writer, port.platform)
  checkFits(parts, port.maxChunkBytes, 'the head of the answer')
  port.send(call, flags | FLAG.START, parts.head, parts.body, status)
  for await (const piece of chunks) {
    for (const { head: before, body: chunk } of chunksOf(piece, port.maxChunkBytes)) {
      const bytes = before.length + chunk.length
      if (pace.isRowOver) await port.release(call, bytes)
      if (call.isOver) return
      port.send(call, flags, before, chunk)
      await pace.sent(bytes)
      if (call.isOver) return
    }
    if (call.isOver) return
  }
  if (call.isOver) return
  port.send(call, flags | FLAG.END, EMPTY, EMPTY)
  port.end(call)
}

/** A piece of a body in frames of at most so many bytes. */
function* chunksOf(piece: Uint8Array | Parts, mostBytes: number): Generator<Parts, void> {
  let { head, body } = piece instanceof Uint8Array ? { head: EMPTY, body: piece } : piece
  if (head.length > mostBytes) {
    body = concat(head, body)
    head = EMPTY
  }
  let at = 0
  for (let before = head; before.length + body.length - at > 0; before = EMPTY) {
    const to = Math.min(body.length, at + mostBytes - before.length)
    yield { head: before, body: body.subarray(at, to) }
    at = to
  }
}

/** RESP|START, then each event within credit, then RESP|END. */
export async function sendEvents(
  port: AnswerPort,
  call: ServerCall,
  events: unknown,
  row: Subscription<unknown, unknown>
): Promise<void> {
  const pace = new AnswerPace(port.writer, port.platform)
  port.send(call, FLAG.RESP | FLAG.START, EMPTY, EMPTY)
  for await (const event of events as AsyncIterable<unknown>) {
    const parts = row.event.encode(event)
    checkFits(parts, port.maxPayloadBytes, 'an event')
    const { head, body } = parts
    const bytes = head.length + body.length
    if (pace.isRowOver) await port.release(call, bytes)
    while (!call.isOver && call.credit?.allows(bytes) === false) await call.credit.changed()
    if (call.isOver) return
    call.credit?.sent(bytes)
    call.eventsSent++
    port.send(call, FLAG.EVENT | sealFlags(call, row) | sealOfValue(row, event), head, body)
    await pace.sent(bytes)
  }
  if (call.isOver) return
  port.send(call, FLAG.RESP | FLAG.END, EMPTY, EMPTY)
  port.end(call)
}

/** What cannot be divided and does not fit is refused; the other side could not decode it. */
function checkFits({ head, body }: Parts, mostBytes: number, what: string): void {
  const bytes = head.length + body.length
  if (bytes > mostBytes)
    throw new OapError('body_oversize', `${what} has ${bytes} bytes, at most ${mostBytes} fit`)
}

/** A row that hands sealed bodies back says so, and its answers carry the request's seal. */
function sealFlags(call: ServerCall, row: { readonly mirrorsSeal?: boolean }): number {
  if (row.mirrorsSeal !== true || !call.isE2e) return 0
  return FLAG.APP_E2E | (call.startFlags & FLAG.COMP)
}

/** What is handed on of bodies that others sealed says so itself. */
function sealOfValue({ sealOf }: { readonly sealOf?: (value: unknown) => Seal }, value: unknown): number {
  if (sealOf === undefined) return 0
  const { e2e, comp } = sealOf(value)
  return (e2e === true ? FLAG.APP_E2E : 0) | (e2e === true && comp === true ? FLAG.COMP : 0)
}

function concat(head: Uint8Array, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(head.length + body.length)
  bytes.set(head)
  bytes.set(body, head.length)
  return bytes
}
