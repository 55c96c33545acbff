import type { Logger, MessageStream, StreamMuxer, StreamMuxerFactory } from '@libp2p/interface'
import { yamux } from '@libp2p/yamux'
import type { YamuxMuxerInit } from '@libp2p/yamux'
import type { StreamState, YamuxStream, YamuxStreamInit } from '@libp2p/yamux/stream'
import { Uint8ArrayList } from 'uint8arraylist'
import { BulkGarbage } from './bulk-garbage.ts'
import { deliverDirectly, innards } from './message-stream.ts'
import type { Bytes } from './message-stream.ts'
import { encodeHeader, FrameParser, WINDOW_UPDATE } from './yamux-frames.ts'
import type { FrameHeader } from './yamux-frames.ts'
import { FrugalStream, receiveWindow } from './yamux-stream.ts'

const SYN = 1

/** Of all connections of the process. */
const garbage = new BulkGarbage()

/**
 * Yamux with streams that give credit on consumption, a map instead of a list to find them, and a parser that judges a
 * data frame by its header: one that exceeds its stream's window ends the connection before its body is kept.
 */
export function tunedYamux(init: YamuxMuxerInit): () => StreamMuxerFactory {
  const stock = yamux(init)
  return () => {
    const factory = stock()
    const createStreamMuxer = factory.createStreamMuxer.bind(factory)
    factory.createStreamMuxer = connection => {
      const muxer = createStreamMuxer(connection)
      tune(muxer as unknown as MuxerInnards, connection)
      return muxer
    }
    return factory
  }
}

/** What @libp2p/yamux 8.0.3 keeps in a muxer. */
interface MuxerInnards extends StreamMuxer {
  readonly log: Logger
  readonly streamOptions: Partial<YamuxStreamInit>
  /** Ours: bytes of a frame that is not whole yet. */
  partialBytes?: () => number
  onData(data: Bytes): void
  send(data: Bytes): boolean
  sendFrame(header: FrameHeader, body?: Bytes): boolean
  handleFrame(frame: { header: FrameHeader; data?: Bytes | undefined }): void
  incomingStream(id: number): void
  closeStream(id: number): void
  getRTT(): number
  _newStream(id: number, state: StreamState, direction: 'inbound' | 'outbound'): YamuxStream
}

function tune(muxer: MuxerInnards, connection: MessageStream): void {
  const byId = new Map<number, YamuxStream>()
  tuneStreams(muxer, byId, connection)
  tuneSending(muxer)
  tuneReceiving(muxer, byId)
  deliverDirectly(
    innards(connection),
    data => muxer.onData(data),
    err => {
      muxer.abort(err)
      connection.abort(err)
    }
  )
}

function tuneStreams(muxer: MuxerInnards, byId: Map<number, YamuxStream>, connection: MessageStream): void {
  const sendFrame = (header: FrameHeader, body?: Bytes) => muxer.sendFrame(header, body)
  const getRTT = () => muxer.getRTT()
  muxer._newStream = (streamId, state, direction) => {
    const log = muxer.log.newScope(`${direction}:${streamId}`)
    const init = {
      ...muxer.streamOptions,
      id: `${streamId}`,
      streamId,
      state,
      direction,
      sendFrame,
      getRTT,
      log
    }
    const stream = new FrugalStream(init)
    // A stream opened on a saturated connection waits like the others, or many of them would overflow it.
    stream.writableNeedsDrain = connection.writableNeedsDrain
    byId.set(streamId, stream)
    const forget = () => {
      byId.delete(streamId)
      muxer.closeStream(streamId)
    }
    stream.addEventListener('close', forget, { once: true })
    return stream
  }
}

function tuneSending(muxer: MuxerInnards): void {
  const abort = muxer.abort.bind(muxer)
  muxer.abort = err => {
    try {
      abort(err)
    } catch {
      // The connection below is closed already, and the go-away cannot leave. Whoever aborts the connection goes on.
    }
  }
  muxer.sendFrame = (header, body) => {
    const encoded = encodeHeader(header)
    if (body !== undefined) garbage.passed(body.byteLength)
    return muxer.send(body === undefined ? encoded : new Uint8ArrayList(encoded, body))
  }
}

function tuneReceiving(muxer: MuxerInnards, byId: Map<number, YamuxStream>): void {
  const stock = muxer.handleFrame.bind(muxer)
  const open = ({ flag, streamID }: FrameHeader) => {
    if ((flag & SYN) !== 0) muxer.incomingStream(streamID)
  }
  const parser = new FrameParser({
    wants(header) {
      if (header.streamID === 0) throw new RangeError('yamux stream 0 carries no data')
      open(header)
      const stream = byId.get(header.streamID)
      if (stream && header.length > receiveWindow(stream)) {
        throw new RangeError(`yamux stream ${header.streamID} sent ${header.length} bytes beyond its window`)
      }
      return stream !== undefined
    },
    frame(header, data) {
      if (header.streamID === 0 || (data === undefined && header.type !== WINDOW_UPDATE))
        return stock({ header, data })
      if (data === undefined) {
        open(header)
        byId.get(header.streamID)?.handleWindowUpdate({ header })
      } else {
        garbage.passed(data.byteLength)
        byId.get(header.streamID)?.handleData({ header, data: data as Uint8ArrayList })
      }
    }
  })
  muxer.onData = data => parser.push(data)
  muxer.partialBytes = () => parser.keptBytes
}
