import type { Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import type { Libp2p } from 'libp2p'
import type { EchoOptions, EchoServer } from '../harness/echo-contender.ts'
import type { EchoClient } from '../harness/load.ts'
import { FifoAnswers } from './fifo-answers.ts'
import { afterSomeTurns } from './turns.ts'
import { wholeMessages } from './whole-messages.ts'

const PROTOCOL = '/bench-echo/1.0.0'

/** An echo on one libp2p stream where every message, each way, is one `send` of its own. */
export async function listenOn(libp2p: Libp2p, { messageBytes, jitter }: EchoOptions): Promise<EchoServer> {
  await libp2p.handle(PROTOCOL, stream => {
    const answer = (message: Uint8Array) => void stream.send(message)
    const each = jitter ? (message: Uint8Array) => afterSomeTurns(() => answer(message)) : answer
    const cut = wholeMessages(messageBytes, each)
    stream.addEventListener('message', ({ data }) => cut(data.subarray()))
  })
  const [address] = libp2p.getMultiaddrs()
  if (address === undefined) throw new Error('stream echo: no address to listen on')
  return { address: address.toString(), close: () => libp2p.stop() }
}

export async function dialFrom(libp2p: Libp2p, address: string, options: EchoOptions): Promise<EchoClient> {
  const stream = await libp2p.dialProtocol(multiaddr(address), PROTOCOL)
  if (stream.status !== 'open') throw new Error('stream echo: stream was reset at once')
  return requestsOn(stream, options, () => libp2p.stop())
}

function requestsOn(stream: Stream, { messageBytes }: EchoOptions, close: () => unknown): EchoClient {
  const answers = new FifoAnswers(messageBytes)
  const message = new Uint8Array(messageBytes).fill(7)
  stream.addEventListener('message', ({ data }) => answers.received(data.byteLength))
  stream.addEventListener('close', ({ error }) => answers.failed(error ?? new Error('stream closed')))
  return {
    request: answered => {
      answers.opened(answered)
      stream.send(message)
    },
    close
  }
}
