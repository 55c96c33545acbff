import assert from 'node:assert/strict'
import test from 'node:test'
import { FrameDecoder, encodeFrame } from 'omnigate/protocols'
import { conversation } from './conversation.ts'
import { formatCorpus, minimal, parseCorpus } from './corpus.ts'
import { Edges, Reached, bucket } from './edges.ts'
import { FRAME_MUTATIONS, STEP_VERSION, cutFrames, frame, record } from './frames.ts'
import { instrument } from './instrument.ts'
import { BYTE_MUTATIONS, joined, mutated } from './mutate.ts'
import { Random } from './random.ts'
import { shrunk } from './shrink.ts'

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
const MUTATIONS = { ...BYTE_MUTATIONS, ...FRAME_MUTATIONS }
const sample = joined(
  frame(0x19, 1, 5, record('{"op":"echo"}', utf8('body'))),
  frame(0x01, 1, 2, utf8('more'))
)

const around = (seed: number) => ({
  random: new Random(seed),
  other: joined(frame(0x09, 7, 9, utf8('{}')), utf8('rest')),
  dictionary: [utf8('token')]
})

for (const [name, mutation] of Object.entries(MUTATIONS)) {
  test(`mutation ${name} leaves its input as it is, changes something, and takes empty input`, () => {
    const before = sample.slice()
    const results = Array.from({ length: 40 }, (_, seed) => mutation(sample, around(seed)))

    assert.deepEqual(sample, before)
    if (name !== 'lengthAsItIs') assert.ok(results.some(bytes => Buffer.compare(bytes, sample) !== 0))
    for (let seed = 0; seed < 20; seed++)
      assert.ok(mutation(new Uint8Array(0), around(seed)) instanceof Uint8Array)
  })
}

test('makes inputs no longer than it may', () => {
  for (let seed = 0; seed < 500; seed++)
    assert.ok(mutated(sample, Object.values(MUTATIONS), around(seed), 60).length <= 60)
})

test('makes the same input from the same seed', () => {
  const make = () => mutated(sample, Object.values(MUTATIONS), around(9), 500)

  assert.deepEqual(make(), make())
})

test('makes the length of a frame right', () => {
  const cut = frame(0x01, 1, 1, utf8('12345678')).subarray(0, 40)
  let frames = 0

  const mended = FRAME_MUTATIONS['lengthAsItIs']!(cut, around(1))
  new FrameDecoder({ frame: () => ++frames > 0, fault: () => assert.fail('a fault') }).push(mended)

  assert.equal(frames, 1)
})

test('writes frames as the product does', () => {
  const ours = frame(0x0a, 0x1001, 1n << 60n, utf8('x'), 404)

  assert.deepEqual(
    ours,
    encodeFrame({ flags: 0x0a, code: 404, app: 0x1001, corr: 1n << 60n, payload: utf8('x') })
  )
})

test('cuts bytes where their lengths say and keeps the rest as one piece', () => {
  const rest = utf8('rest')

  assert.deepEqual(
    cutFrames(joined(sample, rest)).map(({ length }) => length),
    [57, 41, 4]
  )
  assert.deepEqual(joined(...cutFrames(joined(sample, rest))), joined(sample, rest))
})

test('reads a frame of version 0xd0 as a step, and everything else as bytes to send', () => {
  const step = frame(4, 0, 0, new Uint8Array(0), 300, STEP_VERSION)

  const steps = conversation(joined(sample, step, utf8('end')), ['turns', 'time', 'reset'])

  assert.deepEqual(
    steps.map(({ act }) => act),
    ['send', 'send', 'time', 'send']
  )
  assert.equal((steps[2] as { amount: number }).amount, 300)
})

test('reads back the corpus that it writes', () => {
  const kept = [
    { bytes: Uint8Array.of(), isPinned: true },
    { bytes: Uint8Array.of(1, 2, 3), isPinned: false },
    { bytes: Uint8Array.of(255), isPinned: true }
  ]

  const read = parseCorpus(formatCorpus(kept))

  assert.deepEqual(new Set(read.map(k => JSON.stringify(k))), new Set(kept.map(k => JSON.stringify(k))))
})

test('names the line of a corpus that is not base64', () => {
  assert.throws(() => parseCorpus('AQID\nno base64\n'), /corpus line 2/)
})

test('keeps the shortest inputs that reach everything, and those that are pinned', () => {
  const entry = (length: number, features: number[], isPinned = false) => ({
    bytes: new Uint8Array(length),
    features,
    isPinned
  })

  const kept = minimal([
    entry(9, [1, 2, 3]),
    entry(2, [1]),
    entry(3, [1, 2]),
    entry(4, [2]),
    entry(8, [], true)
  ])

  assert.deepEqual(
    kept.map(({ bytes }) => bytes.length),
    [8, 2, 3, 9]
  )
})

test('leaves out the longest inputs where the corpus would grow beyond its bound', () => {
  const entry = (length: number) => ({ bytes: new Uint8Array(length), features: [length], isPinned: false })

  const kept = minimal([entry(50), entry(10), entry(30)], 60)

  assert.deepEqual(
    kept.map(({ bytes }) => bytes.length),
    [10, 30]
  )
})

test('counts in eight ranges', () => {
  assert.deepEqual(
    [1, 2, 3, 4, 7, 8, 16, 32, 127, 128, 1e9].map(bucket),
    [1, 2, 4, 8, 8, 16, 32, 64, 64, 128, 128]
  )
})

test('takes an edge for new once, and once more in each range of its count', () => {
  const edges = new Edges()
  const reached = new Reached()
  const first = edges.claim(2)
  const run = (count: number): boolean => {
    edges.clear()
    edges.counts[first] = count
    return reached.absorb(edges)
  }

  assert.deepEqual(
    [run(1), run(1), run(2), run(200), run(300), run(0)],
    [true, false, true, true, false, false]
  )
  assert.deepEqual([reached.edges, reached.features], [1, 3])
})

test('counts every branch of TypeScript that it loads', async () => {
  const source =
    'export const sign = (n: number): string => { if (n < 0) return "minus"; return n > 0 ? "plus" : "none" }'
  const code = `data:text/javascript,${encodeURIComponent(instrument(source, 'sign.ts'))}`
  const edges = Edges.shared()
  const { sign } = (await import(code)) as { sign: (n: number) => string }
  const ran = (n: number): string => {
    edges.clear()
    sign(n)
    return edges.features().join()
  }

  assert.equal(sign(-1) + sign(0) + sign(1), 'minusnoneplus')
  assert.equal(new Set([ran(-1), ran(0), ran(1), ran(2)]).size, 3)
})

test('shortens an input to what its fault needs', async () => {
  const input = Uint8Array.from({ length: 300 }, (_, i) => i)
  const needs = async (bytes: Uint8Array): Promise<boolean> => bytes.includes(77) && bytes.includes(201)

  assert.deepEqual(await shrunk(input, needs), Uint8Array.of(77, 201))
})

test('gives up shortening after as many tries as it may', async () => {
  let tries = 0
  const never = async (): Promise<boolean> => ++tries < 0

  assert.equal((await shrunk(new Uint8Array(300), never, 50)).length, 300)
  assert.equal(tries, 50)
})
