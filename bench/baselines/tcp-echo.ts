import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import type { EchoOptions, EchoServer } from '../harness/echo-contender.ts'
import type { EchoClient } from '../harness/load.ts'
import { FifoAnswers } from './fifo-answers.ts'
import { wholeMessages } from './whole-messages.ts'

/** Raw sockets, one `write` a message, nothing encrypted: what the machine itself can do. */
export async function listen({ messageBytes }: EchoOptions): Promise<EchoServer> {
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket.setNoDelay())
    socket.on(
      'data',
      wholeMessages(messageBytes, message => void socket.write(message))
    )
    socket.on('error', () => socket.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    address: String(port),
    close: () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    }
  }
}

export async function dial(port: string, { messageBytes }: EchoOptions): Promise<EchoClient> {
  const socket = connect(Number(port), '127.0.0.1').setNoDelay()
  await once(socket, 'connect')
  const answers = new FifoAnswers(messageBytes)
  const message = new Uint8Array(messageBytes).fill(7)
  socket.on('data', piece => answers.received(piece.length))
  socket.on('error', error => answers.failed(error))
  socket.on('close', () => answers.failed(new Error('socket closed')))
  return {
    request: answered => {
      answers.opened(answered)
      socket.write(message)
    },
    close: () => socket.destroy()
  }
}
