import type { Socket } from 'node:net'
import type { MessageStream } from '@libp2p/interface'
import { innards, sendDirectly } from './message-stream.ts'
import type { Bytes } from './message-stream.ts'

/**
 * Makes each send on a stream over a Node socket one system call, and all sends that answer one piece of input one
 * system call together. Streams over anything else are left alone.
 */
export function writeOnce(stream: MessageStream): void {
  const { socket } = stream as { socket?: Socket }
  if (typeof socket?.cork !== 'function') return
  const own = innards(stream)
  own.sendData = data => ({ sentBytes: data.byteLength, canSendMore: writeCorked(socket, data) })
  sendDirectly(own, data => writeCorked(socket, data))
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
  let more = !socket.writableNeedDrain
  socket.cork()
  for (const piece of data) more = socket.write(piece)
  socket.uncork()
  return more
}
