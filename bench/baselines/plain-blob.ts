import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Connection, Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { performance } from 'node:perf_hooks'
import { createDialer, createTransport } from '../../transport/index.ts'
import { blobPieces } from '../harness/blob-contender.ts'
import type { BlobClient, BlobOptions } from '../harness/blob-contender.ts'
import type { EchoServer } from '../harness/echo-contender.ts'

const WHOLE = '/bench-blob/1.0.0'
const FIRST = '/bench-first/1.0.0'
const FIRST_BYTES = 65_536
const ASK = new Uint8Array(1)

/** A libp2p stream on the stack of the product: bytes out of memory in writes of 64 KiB, and nothing is checked. */
export async function listen({ bytes, encryption }: BlobOptions): Promise<EchoServer> {
  const privateKey = await generateKeyPair('Ed25519')
  const node = await createTransport({
    privateKey,
    listen: ['/ip4/127.0.0.1/tcp/0'],
    encryption: [encryption]
  })
  const pieces = [...blobPieces(bytes)]
  const serve = (protocol: string, answer: readonly Uint8Array[]): Promise<void> =>
    node.handle(protocol, stream => {
      stream.addEventListener('message', () => void send(stream, answer), { once: true })
    })
  await serve(WHOLE, pieces)
  await serve(FIRST, pieces.slice(0, 1))
  return { address: String(node.getMultiaddrs()[0]), close: () => node.stop() }
}

export async function dial(address: string, { bytes, encryption }: BlobOptions): Promise<BlobClient> {
  const dialer = await createDialer({ encryption: [encryption] })
  const connection = await dialer.dial(multiaddr(address))
  return {
    read: async () => {
      await took(connection, WHOLE, bytes)
      return bytes
    },
    first: async () => {
      const since = performance.now()
      await took(connection, FIRST, Math.min(bytes, FIRST_BYTES))
      return performance.now() - since
    },
    close: () => dialer.stop()
  }
}

async function send(stream: Stream, pieces: readonly Uint8Array[]): Promise<void> {
  for (const piece of pieces) {
    stream.send(piece)
    while (stream.writableNeedsDrain && stream.status === 'open') await oneDrain(stream)
    if (stream.status !== 'open') return
  }
  await stream.close()
}

/** One event, after which the stream may still have too much: the caller looks again. */
function oneDrain(stream: Stream): Promise<void> {
  return new Promise(resolve => {
    const done = (): void => {
      stream.removeEventListener('drain', done)
      stream.removeEventListener('close', done)
      resolve()
    }
    stream.addEventListener('drain', done)
    stream.addEventListener('close', done)
  })
}

async function took(connection: Connection, protocol: string, bytes: number): Promise<void> {
  const stream = await connection.newStream(protocol)
  await new Promise<void>((resolve, reject) => {
    let left = bytes
    stream.addEventListener('message', ({ data }) => {
      left -= data.byteLength
      if (left === 0) resolve()
    })
    stream.addEventListener('close', () => reject(new Error(`plain blob: ended ${left} bytes early`)))
    if (stream.status !== 'open') return reject(new Error('plain blob: stream was reset at once'))
    stream.send(ASK)
  })
  void stream.close().catch(() => undefined)
}
