import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Stream } from '@libp2p/interface'
import { createDialer, createTransport } from '../transport.ts'
import type { Encryption } from '../transport.ts'

const PROTOCOL = '/test/transfer/1'
const STREAMS = 4
const FRAMES = 16
const MAX_FRAME_BYTES = 900_000
const PAUSE_AFTER_BYTES = 200_000

const PAIRS = [
  { dialer: true, node: true },
  { dialer: true, node: false },
  { dialer: false, node: true }
] as const

for (const encryption of ['noise', 'tls'] as const) {
  for (const pair of PAIRS) {
    const name = (tuned: boolean) => (tuned ? 'tuned' : 'stock')
    test(`${name(pair.dialer)} and ${name(pair.node)} exchange every byte over ${encryption} while both read slowly`, () =>
      exchange(encryption, pair))
  }
}

async function exchange(encryption: Encryption, pair: { dialer: boolean; node: boolean }): Promise<void> {
  const privateKey = await generateKeyPair('Ed25519')
  const node = await createTransport({ privateKey, listen: ['/ip4/127.0.0.1/tcp/0'], tuned: pair.node })
  const dialer = await createDialer({ encryption: [encryption], tuned: pair.dialer })
  const answers: Promise<{ sent: string; read: string }>[] = []
  await node.handle(PROTOCOL, stream => void answers.push(both(stream, 1000 + answers.length)))

  const connection = await dialer.dial(node.getMultiaddrs())
  const streams: Stream[] = []
  for (let i = 0; i < STREAMS; i++) streams.push(await connection.newStream(PROTOCOL))
  const calls = await Promise.all(streams.map(both))
  const served = await Promise.all(answers)

  assert.deepEqual(calls.map(({ read }) => read).toSorted(), served.map(({ sent }) => sent).toSorted())
  assert.deepEqual(calls.map(({ sent }) => sent).toSorted(), served.map(({ read }) => read).toSorted())
  assert.equal(new Set(calls.flatMap(({ sent, read }) => [sent, read])).size, 2 * STREAMS)
  await Promise.all([dialer.stop(), node.stop()])
}

async function both(stream: Stream, seed: number): Promise<{ sent: string; read: string }> {
  const [sent, read] = await Promise.all([sendRandomFrames(stream, seed), readSlowly(stream)])
  return { sent, read }
}

async function sendRandomFrames(stream: Stream, seed: number): Promise<string> {
  const random = generator(seed)
  const hash = createHash('sha256')
  for (let i = 0; i < FRAMES; i++) {
    const size = i % 4 === 0 ? 1 + Math.floor(random() * 300) : 1 + Math.floor(random() * MAX_FRAME_BYTES)
    const frame = Buffer.alloc(size, `${seed}:${i}:`)
    hash.update(frame)
    if (!stream.send(frame)) await drained(stream)
  }
  await stream.close()
  return hash.digest('hex')
}

function readSlowly(stream: Stream): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const hash = createHash('sha256')
  let sincePause = 0
  let resuming = false
  const rest = async () => {
    stream.pause()
    for (let i = 0; i < 3; i++) await turn()
    sincePause = 0
    if (stream.readStatus !== 'paused') return
    resuming = true
    stream.resume()
    resuming = false
  }
  stream.addEventListener('message', ({ data }) => {
    for (const piece of data instanceof Uint8Array ? [data] : data) hash.update(piece)
    sincePause += data.byteLength
    if (sincePause > PAUSE_AFTER_BYTES && !resuming && stream.readStatus === 'readable') rest().catch(reject)
  })
  stream.addEventListener('end', () => resolve(hash.digest('hex')))
  stream.addEventListener('close', ({ error }) => error && reject(error))
  return promise
}

async function drained(stream: Stream): Promise<void> {
  do {
    assert.equal(stream.status, 'open')
    await new Promise<void>(resolve => {
      stream.addEventListener('drain', () => resolve(), { once: true })
      stream.addEventListener('close', () => resolve(), { once: true })
    })
  } while (stream.writableNeedsDrain)
}

function generator(seed: number): () => number {
  let state = seed * 2_654_435_761 + 1
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
