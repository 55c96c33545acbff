import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Connection, Stream } from '@libp2p/interface'
import { boundedMessages } from './bounded-messages.ts'

class FakeStream extends EventTarget {
  aborted = ''

  abort({ message }: Error): void {
    this.aborted = message
  }

  receive(...bytes: readonly number[]): void {
    this.dispatchEvent(new MessageEvent('message', { data: Uint8Array.from(bytes) }))
  }
}

const BOUNDS = { messageBytes: 200, atOnce: 10, perSecond: 2 }
const TOO_LONG = /more than 200 bytes/
const TOO_MANY = /more messages/

const zeros = (count: number): number[] => Array.from({ length: count }, () => 0)

/** Opens streams on connections that it makes up by name; `time` is theirs. */
function opener() {
  const time = { ms: 0 }
  const connections = new Map<string, Connection>()
  const handler = boundedMessages(
    () => undefined,
    BOUNDS,
    () => time.ms
  )
  const open = (name = 'a'): FakeStream => {
    const connection = connections.get(name) ?? ({} as Connection)
    connections.set(name, connection)
    const stream = new FakeStream()
    void handler(stream as unknown as Stream, connection)
    return stream
  }
  return { open, time }
}

test('lets messages through that are as long as they may be, however they are cut', () => {
  const bytes = [0, 200, 1, ...zeros(200), 3, 9, 9, 9, 200, 1, ...zeros(200)]
  for (const size of [1, 2, 7, bytes.length]) {
    const stream = opener().open()

    for (let at = 0; at < bytes.length; at += size) stream.receive(...bytes.slice(at, at + size))

    assert.equal(stream.aborted, '')
  }
})

test('resets a stream at the length of a message that is too long, the first or a later one', () => {
  for (const before of [[], [2, 7, 7]]) {
    const stream = opener().open()

    stream.receive(...before, 201)
    assert.equal(stream.aborted, '')
    stream.receive(1)

    assert.match(stream.aborted, TOO_LONG)
  }
})

test('resets a stream whose length has no end, or wraps around', () => {
  for (const length of [
    [0x80, 0x80, 0x80, 0x80],
    [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]
  ]) {
    const stream = opener().open()

    stream.receive(...length)

    assert.match(stream.aborted, TOO_LONG)
  }
})

test('takes so many messages of all streams of a connection at once, and more with time', () => {
  const { open, time } = opener()
  const [one, two, other] = [open(), open(), open('b')]

  for (let n = 0; n < 5; n++) for (const stream of [one, two]) stream.receive(1, 7)
  assert.deepEqual([one.aborted, two.aborted], ['', ''])
  one.receive(1, 7)
  other.receive(1, 7)
  time.ms += 999
  const late = open()
  late.receive(1, 7)
  late.receive(1, 7)

  assert.match(one.aborted, TOO_MANY)
  assert.equal(two.aborted, '')
  assert.equal(other.aborted, '')
  assert.match(late.aborted, TOO_MANY, 'after a second it is two')
})

test('counts a message by its KiB, and saves up no more than may come at once', () => {
  const time = { ms: 0 }
  const handler = boundedMessages(
    () => undefined,
    { ...BOUNDS, messageBytes: 20_000 },
    () => time.ms
  )
  const connection = {} as Connection
  const stream = new FakeStream()
  void handler(stream as unknown as Stream, connection)
  const tenKib = [0x80, 0x50, ...zeros(10_240)]

  time.ms += 1e9
  stream.receive(...tenKib)
  assert.equal(stream.aborted, '')
  stream.receive(1, 7)

  assert.match(stream.aborted, TOO_MANY)
})
