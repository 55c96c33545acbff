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

const zeros = (count: number): number[] => Array.from({ length: count }, () => 0)

function handled(mostBytes: number): FakeStream {
  const stream = new FakeStream()
  void boundedMessages(() => undefined, mostBytes)(stream as unknown as Stream, {} as Connection)
  return stream
}

test('lets messages through that are as long as they may be, however they are cut', () => {
  const bytes = [0, 200, 1, ...zeros(200), 3, 9, 9, 9, 200, 1, ...zeros(200)]
  for (const size of [1, 2, 7, bytes.length]) {
    const stream = handled(200)

    for (let at = 0; at < bytes.length; at += size) stream.receive(...bytes.slice(at, at + size))

    assert.equal(stream.aborted, '')
  }
})

test('resets a stream at the length of a message that is too long, the first or a later one', () => {
  for (const before of [[], [2, 7, 7]]) {
    const stream = handled(200)

    stream.receive(...before, 201)
    assert.equal(stream.aborted, '')
    stream.receive(1)

    assert.match(stream.aborted, /more than 200 bytes/)
  }
})

test('resets a stream whose length has no end, or wraps around', () => {
  for (const length of [
    [0x80, 0x80, 0x80, 0x80],
    [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]
  ]) {
    const stream = handled(200)

    stream.receive(...length)

    assert.match(stream.aborted, /more than/)
  }
})
