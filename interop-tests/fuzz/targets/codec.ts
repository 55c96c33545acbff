import assert from 'node:assert/strict'
import { FrameDecoder, MAX_FRAME_BYTES, encodeFrame } from 'omnigate/protocols'
import type { Frame, FrameFault, FrameSink } from 'omnigate/protocols'
import { decodeFrame } from '../../../specs/index.ts'
import { FRAME_MUTATIONS } from '../engine/frames.ts'
import { BYTE_MUTATIONS } from '../engine/mutate.ts'
import { Random, digest } from '../engine/random.ts'
import type { Target } from '../engine/target.ts'
import { BYTE_TOKENS } from './dictionary.ts'
import { conversationSeeds, frameSeeds } from './seeds.ts'

const SMALL_FRAME_BYTES = 4096

/** Writes down what a decoder tells, one line each, and stops it where `stops` says. */
class Listener implements FrameSink {
  readonly told: string[] = []
  readonly frames: Uint8Array[] = []
  readonly #stops: () => boolean
  readonly #mostReserved: number

  constructor(mostFrameBytes: number, stops: () => boolean = () => false) {
    this.#mostReserved = mostFrameBytes + 4
    this.#stops = stops
  }

  frame(f: Frame): boolean {
    const bytes = f.bytes.slice(f.start, f.end)
    this.told.push(`frame ${Buffer.from(bytes).toString('hex')}`)
    this.frames.push(reencoded(f))
    assert.deepEqual(this.frames.at(-1), withoutReservedFlags(bytes), 'a frame encodes to other bytes')
    return !this.#stops()
  }

  fault({ code, app, corr, fatal }: FrameFault): boolean {
    this.told.push(`fault ${code} ${app} ${corr} ${fatal}`)
    return !this.#stops()
  }

  reserve(bytes: number): boolean {
    assert.ok(bytes <= this.#mostReserved, `room for ${bytes} bytes is asked, at most ${this.#mostReserved}`)
    return !this.#stops()
  }
}

const reencoded = ({ flags, code, app, tenant, corr, cap, payload }: Frame): Uint8Array =>
  encodeFrame({ flags, code, app, tenant, corr, cap, payload })

function withoutReservedFlags(bytes: Uint8Array): Uint8Array {
  bytes[6] = 0
  return bytes
}

type Sizes = (left: number) => number

/** What the decoder tells when `input` comes in pieces of `sizes`, resumed until nothing waits. */
function heard(input: Uint8Array, most: number, sizes: Sizes, listener: Listener): string[] {
  const decoder = new FrameDecoder(listener, () => most)
  for (let at = 0; at < input.length;) {
    const end = at + Math.max(1, Math.min(sizes(input.length - at), input.length - at))
    decoder.push(input.subarray(at, end))
    at = end
  }
  for (let i = 0; i < 2 * input.length + 8 && (decoder.heldBytes > 0 || decoder.isWaiting); i++)
    decoder.resume()
  assert.equal(decoder.heldBytes, 0, 'bytes are left though nothing stops the decoder')
  return listener.told
}

/** What the reference decoder of specs/ makes of the same bytes, without app and corr_id. */
function expected(input: Uint8Array): string[] {
  const bytes = Buffer.from(input)
  const told: string[] = []
  for (let at = 0; at < bytes.length;) {
    const step = decodeFrame(bytes, at)
    if (step.outcome === 'partial') break
    told.push(
      step.outcome === 'frame' ? `frame ${bytes.toString('hex', at, step.next)}` : `fault ${step.outcome}`
    )
    if (step.next === undefined) break
    at = step.next
  }
  return told
}

function run(input: Uint8Array): void {
  for (const most of [MAX_FRAME_BYTES, SMALL_FRAME_BYTES]) {
    const whole = heard(input, most, left => left, new Listener(most))
    const random = new Random(digest(input))
    const divisions: readonly Sizes[] = [
      () => 1 + random.below(80),
      () => 1 + random.below(input.length < 200 ? 1 : 7)
    ]
    for (const sizes of divisions)
      assert.deepEqual(
        heard(input, most, sizes, new Listener(most)),
        whole,
        'another division, another result'
      )
    const halting = new Listener(most, () => random.once(2))
    assert.deepEqual(
      heard(input, most, () => 1 + random.below(60), halting),
      whole,
      'stops change the result'
    )
    if (most !== MAX_FRAME_BYTES) continue
    const told = whole.map(line => (line.startsWith('fault') ? line.split(' ', 2).join(' ') : line))
    assert.deepEqual(told, expected(input), 'not what the specification says')
  }
}

export const codec: Target = {
  name: 'codec',
  about:
    'bytes to frames: any division gives the same, as the reference decoder has it; frames encode to themselves',
  maxBytes: 1536,
  mutations: [...Object.values(BYTE_MUTATIONS), ...Object.values(FRAME_MUTATIONS)],
  dictionary: BYTE_TOKENS,
  seeds: () => [...frameSeeds(), ...conversationSeeds()].filter(({ length }) => length <= 1536),
  run
}
