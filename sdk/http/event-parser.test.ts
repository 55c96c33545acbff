import assert from 'node:assert/strict'
import test from 'node:test'
import { EventParser } from './event-parser.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const shown = (parser: EventParser, ...pieces: string[]): string[] =>
  pieces.flatMap(piece =>
    parser.push(bytes(piece)).map(({ event, data }) => `${event}=${Buffer.from(data).toString()}`)
  )

const TEXT =
  ': open\n\nevent: delivery\nid: 7\ndata: {"a":1}\n\n: \n\nevent: end\r\ndata: x\r\ndata:y\r\n\r\ndata: z\n\n'

test('events come out as they went in, wherever the bytes are cut', () => {
  const expected = ['delivery={"a":1}', 'end=x\ny', '=z']

  assert.deepEqual(shown(new EventParser(100), TEXT), expected)
  assert.deepEqual(shown(new EventParser(100), ...Array.from(TEXT)), expected)
})

test('what is no event is passed over', () => {
  assert.deepEqual(shown(new EventParser(100), '\n\nevent: lonely\n\nretry: 5\nnonsense\n\ndata\n\n'), ['='])
})

test('of an event no more is kept than may be, however it is cut', () => {
  const tooLong = { code: 'upstream', retryable: false }

  assert.throws(() => new EventParser(50).push(bytes(`data: ${'x'.repeat(50)}`)), tooLong)
  assert.throws(() => shown(new EventParser(50), ...Array.from('data: xxxx\n'.repeat(10))), tooLong)
  assert.throws(() => shown(new EventParser(50), ...Array.from(`event: ${'x'.repeat(50)}\n`)), tooLong)
})

test('any number of comments does not fill it', () => {
  const parser = new EventParser(50)
  for (let n = 0; n < 10; n++) assert.deepEqual(shown(parser, ': still here\n'), [])

  assert.deepEqual(shown(parser, 'data: x\n\n'), ['=x'])
})
