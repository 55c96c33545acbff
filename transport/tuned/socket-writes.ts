import type { Socket } from 'node:net'
import type { MessageStream } from '@libp2p/interface'
import { innards, sendDirectly } from './message-stream.ts'
import type { Bytes } from './message-stream.ts'

/**
 * Makes each send on a stream over a Node socket one system call, and all sends that answer one piece of input one
 * system call together. Streams over anything else are left alone. Sends above `corkUpToBytes` go piece by piece.
 */
export function writeOnce(stream: MessageStream, corkUpToBytes = Infinity): void {
  const { socket } = stream as { socket?: Socket }
  if (typeof socket?.cork !== 'function') return
  const own = innards(stream)
  const write = (data: Bytes) =>
    data.byteLength > corkUpToBytes ? writePieces(socket, data) : writeCorked(socket, data)
  own.sendData = data => ({ sentBytes: data.byteLength, canSendMore: write(data) })
  sendDirectly(own, write)
  const received = own.onData.bind(own)
  own.onData = data => {
    socket.cork()
    try {
      received(data)
    } finally {
      socket.uncork()
    }
  }
}

function writeCorked(socket: Socket, data: Bytes): boolean {
  if (data instanceof Uint8Array) return socket.write(data)
  socket.cork()
  const more = writePieces(socket, data)
  socket.uncork()
  return more
}

function writePieces(socket: Socket, data: Bytes): boolean {
  if (data instanceof Uint8Array) return socket.write(data)
  let more = !socket.writableNeedDrain
  for (const piece of data) more = socket.write(piece)
  return more
}
