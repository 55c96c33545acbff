import type { MessageStream, MessageStreamReadStatus, MessageStreamWriteStatus } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'

export type Bytes = Uint8Array | Uint8ArrayList

/** What @libp2p/utils 7.4.1 keeps behind every message stream and our overrides lean on. */
export interface StreamInnards extends MessageStream {
  readonly readBuffer: Uint8ArrayList
  readonly writeBuffer: Uint8ArrayList
  readonly sendingData: boolean
  readonly readStatus: MessageStreamReadStatus
  readonly writeStatus: MessageStreamWriteStatus
  readonly remoteWriteStatus: MessageStreamWriteStatus
  onData(data: Bytes): void
  sendData(data: Uint8ArrayList): { sentBytes: number; canSendMore: boolean }
}

/** More unsent bytes than this on one connection mean a peer that sends but does not read. */
const MAX_CONNECTION_WRITE_BUFFER_BYTES = 8 << 20

export function innards(stream: MessageStream): StreamInnards {
  return stream as StreamInnards
}

/** True when nothing waits to be sent, so that bytes may go straight down. */
export function canSendNow(stream: StreamInnards): boolean {
  return (
    stream.writeStatus === 'writable' &&
    !stream.writableNeedsDrain &&
    !stream.sendingData &&
    stream.writeBuffer.byteLength === 0
  )
}

/** True when nothing waits to be read and more may come, so that bytes may go straight up. */
export function canDeliverNow(stream: StreamInnards): boolean {
  return (
    stream.readStatus === 'readable' &&
    stream.remoteWriteStatus === 'writable' &&
    stream.readBuffer.byteLength === 0
  )
}

/** Sends through `write` without queue, list copies and an `idle` event while the stream is clear. */
export function sendDirectly(stream: StreamInnards, write: (data: Bytes) => boolean): void {
  const queued = stream.send.bind(stream)
  stream.maxWriteBufferLength = MAX_CONNECTION_WRITE_BUFFER_BYTES
  stream.send = data => {
    if (!canSendNow(stream)) return queued(data)
    try {
      const more = write(data)
      if (!more) stream.writableNeedsDrain = true
      return more
    } catch (err) {
      stream.abort(err as Error)
      throw err
    }
  }
}

/** Hands what arrives to `read` without an event while nothing is buffered. Errors of `read` go to `fail`. */
export function deliverDirectly(
  stream: StreamInnards,
  read: (data: Bytes) => void,
  fail: (err: Error) => void
): void {
  const dispatched = stream.onData.bind(stream)
  stream.onData = data => {
    if (!canDeliverNow(stream)) return dispatched(data)
    try {
      read(data)
    } catch (err) {
      fail(err as Error)
    }
  }
}
