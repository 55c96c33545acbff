import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { Stream } from '@libp2p/interface'
import { multiaddrConnectionPair } from '@libp2p/utils'
import { STREAM_LIMITS } from '../limits.ts'
import { innards } from './message-stream.ts'
import { encodeHeader } from './yamux-frames.ts'
import { tunedYamux } from './yamux.ts'

/** The member by which a reader takes bytes without events. */
type ByteStream = Stream & { onBytes?: (data: { subarray(): Uint8Array }) => void }

const KIB = 1024
const INITIAL_WINDOW = 256 * KIB
const HEADER_BYTES = 12

void describe('tuned yamux', () => {
  void test('sends credit per half window, not per frame', async () => {
    const { outbound, inbound, sentBack } = await streams()
    let read = 0
    inbound.addEventListener('message', ({ data }) => void (read += data.byteLength))
    const before = sentBack()

    for (let i = 0; i < 127; i++) outbound.send(new Uint8Array(KIB))
    await until(() => read === 127 * KIB)
    assert.equal(sentBack() - before, 0)

    outbound.send(new Uint8Array(KIB))
    await until(() => read === 128 * KIB)
    assert.equal(sentBack() - before, HEADER_BYTES)
  })

  void test('gives a paused stream no credit and all of it after it resumes', async () => {
    const { outbound, inbound, sentBack } = await streams()
    let read = 0
    inbound.addEventListener('message', ({ data }) => void (read += data.byteLength))
    inbound.pause()
    const before = sentBack()

    outbound.send(new Uint8Array(1024 * KIB))
    await until(() => inbound.readBufferLength === INITIAL_WINDOW)
    await turns()
    assert.equal(inbound.readBufferLength, INITIAL_WINDOW)
    assert.equal(sentBack(), before)

    inbound.resume()
    await until(() => read === 1024 * KIB)
    assert.equal(inbound.status, 'open')
  })

  void test('hands bytes to onBytes in the place of an event, and in order with those that a pause held back', async () => {
    const { outbound, inbound } = await streams()
    const got: string[] = []
    const note = (from: string) => (data: { subarray(): Uint8Array }) =>
      void got.push(`${from}:${String(Buffer.from(data.subarray()))}`)
    inbound.addEventListener('message', ({ data }) => note('event')(data))
    ;(inbound as ByteStream).onBytes = note('direct')

    outbound.send(Buffer.from('a'))
    await until(() => got.length === 1)
    inbound.pause()
    outbound.send(Buffer.from('b'))
    await until(() => inbound.readBufferLength === 1)
    inbound.resume()
    outbound.send(Buffer.from('c'))
    await until(() => got.length === 3)

    assert.deepEqual(got, ['direct:a', 'event:b', 'direct:c'])
  })

  void test('resets a stream whose onBytes throws, and no other', async () => {
    const { outbound, inbound } = await streams()
    inbound.addEventListener('message', () => {})
    ;(inbound as ByteStream).onBytes = () => {
      throw new Error('a fault of the reader')
    }

    outbound.send(Buffer.from('a'))

    await until(() => inbound.status !== 'open')
    assert.equal(inbound.status, 'aborted')
  })

  void test('is aborted though the connection below takes no bytes any more', async () => {
    const { raw, dialer, outbound } = await streams()
    raw.send = () => {
      throw new Error('the connection is closing')
    }

    dialer.abort(new Error('the peer did not answer a ping'))

    assert.equal(outbound.status, 'aborted')
  })

  void test('heeds a pause from a listener that resume() has called', async () => {
    const { outbound, inbound, sentBack } = await streams()
    let read = 0
    inbound.pause()
    inbound.addEventListener('message', ({ data }) => {
      read += data.byteLength
      inbound.pause()
    })
    outbound.send(new Uint8Array(4096 * KIB))
    await until(() => inbound.readBufferLength === INITIAL_WINDOW)
    const before = sentBack()

    inbound.resume()
    await turns()

    assert.equal(sentBack(), before)
    assert.equal(inbound.readStatus, 'paused')
    while (read < 4096 * KIB) {
      inbound.resume()
      await turn()
    }
    assert.equal(inbound.status, 'open')
  })

  void test('gives credit for what waited for its first listener', async () => {
    const { outbound, inbound } = await streams()
    outbound.send(new Uint8Array(1024 * KIB))
    await until(() => inbound.readBufferLength === INITIAL_WINDOW)
    let read = 0

    inbound.addEventListener('message', ({ data }) => void (read += data.byteLength))

    await until(() => read === 1024 * KIB)
  })

  void test('keeps an unread stream of single bytes in few pieces, and loses none', async () => {
    const { outbound, inbound } = await streams()
    inbound.pause()
    const sent = Uint8Array.from({ length: 2000 }, (_, i) => i)
    for (const byte of sent) outbound.send(Uint8Array.of(byte))
    await until(() => inbound.readBufferLength === sent.length)
    const pieces = [...innards(inbound).readBuffer].length

    const received: Uint8Array[] = []
    inbound.addEventListener('message', ({ data }) => void received.push(data.subarray()))
    inbound.resume()

    assert.deepEqual(new Uint8Array(Buffer.concat(received)), sent)
    assert.ok(pieces <= 36, `${pieces} pieces`)
  })

  void test('keeps no more of a large buffer than the bytes that wait unread', async () => {
    const { raw, inbound } = await streams()
    inbound.pause()
    const header = encodeHeader({ type: 0, flag: 0, streamID: 1, length: 1 })
    const large = new Uint8Array(64 * KIB)
    large.set(header)

    raw.send(large.subarray(0, HEADER_BYTES + 1))
    await until(() => inbound.readBufferLength === 1)

    const [kept] = innards(inbound).readBuffer
    assert.equal(kept!.buffer.byteLength, 1)
  })

  void test('puts a frame together that comes in single bytes', async () => {
    const { raw, inbound } = await streams()
    const sent = Uint8Array.from({ length: 5000 }, (_, i) => i)
    const received: Uint8Array[] = []
    inbound.addEventListener('message', ({ data }) => void received.push(data.subarray()))

    raw.send(encodeHeader({ type: 0, flag: 0, streamID: 1, length: sent.length }))
    for (const byte of sent) raw.send(Uint8Array.of(byte))
    await until(() => received.length > 0)

    assert.deepEqual(new Uint8Array(Buffer.concat(received)), sent)
  })

  void test('ends the connection at the header of a frame beyond the window', async () => {
    const { connection, raw, inbound } = await streams()
    const closed = once(inbound as unknown as EventTarget, 'close')

    raw.send(encodeHeader({ type: 0, flag: 0, streamID: 1, length: INITIAL_WINDOW + 1 }))

    await closed
    assert.equal(connection.status, 'aborted')
  })

  void test('ends the connection at the header of a data frame on stream 0', async () => {
    const { connection, raw, inbound } = await streams()
    const closed = once(inbound as unknown as EventTarget, 'close')

    raw.send(encodeHeader({ type: 0, flag: 0, streamID: 0, length: INITIAL_WINDOW + 1 }))

    await closed
    assert.equal(connection.status, 'aborted')
  })

  void test('lets the body of a frame for a closed stream pass without keeping it', async () => {
    const { raw, outbound, inbound } = await streams()
    let read = 0
    inbound.addEventListener('message', ({ data }) => void (read += data.byteLength))
    raw.send(encodeHeader({ type: 0, flag: 0, streamID: 77, length: 5000 }))
    raw.send(new Uint8Array(5000))

    outbound.send(new Uint8Array(10))

    await until(() => read === 10)
  })
})

void test('a stream opened on a saturated connection waits for its drain', async () => {
  const { raw, dialer, inbound } = await streams()
  raw.writableNeedsDrain = true
  const late = await dialer.createStream()

  assert.equal(late.send(new Uint8Array(KIB)), false)
  assert.equal(late.writeBufferLength, KIB)

  raw.safeDispatchEvent('drain')
  await until(() => late.writeBufferLength === 0)
  assert.equal(inbound.status, 'open')
})

/** A stream over two muxers in memory, and the count of bytes that its receiving side has sent. */
async function streams() {
  const [raw, connection] = multiaddrConnectionPair()
  const factory = tunedYamux({ enableKeepAlive: false, streamOptions: STREAM_LIMITS })()
  const [dialer, listener] = [factory.createStreamMuxer(raw), factory.createStreamMuxer(connection)]
  let sent = 0
  const send = connection.send.bind(connection)
  connection.send = data => {
    sent += data.byteLength
    return send(data)
  }
  const opened = once(listener as unknown as EventTarget, 'stream') as Promise<[CustomEvent<Stream>]>
  const outbound = await dialer.createStream()
  const [{ detail: inbound }] = await opened
  inbound.send(new Uint8Array(1))
  await turns()
  return { raw, connection, dialer, outbound, inbound, sentBack: () => sent }
}

async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; !holds(); i++) {
    assert.ok(i < 20_000, 'the condition never held')
    await turn()
  }
}

async function turns(): Promise<void> {
  for (let i = 0; i < 50; i++) await turn()
}
