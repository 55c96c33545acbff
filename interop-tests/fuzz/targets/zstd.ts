import assert from 'node:assert/strict'
import { zstdDecompressSync } from 'node:zlib'
import { nodePlatform } from 'omnigate'
import { DEFAULT_INFLATE_LIMITS, checkZstdFrame } from 'omnigate/protocols'
import { Inflater, deflate } from '../../../protocols/compression.ts'
import { BYTE_MUTATIONS, joined } from '../engine/mutate.ts'
import type { Target } from '../engine/target.ts'
import { ZSTD_TOKENS } from './dictionary.ts'
import { attempt } from './oap-errors.ts'
import { zstdSeeds } from './seeds.ts'

const REFUSALS = ['bad_payload', 'ratio_cap', 'decompress_cap']
const LIMITS = [DEFAULT_INFLATE_LIMITS, { maxRatio: 3, maxBytes: 100 }, { maxRatio: 1.5, maxBytes: 4096 }]

const inflated = (bytes: Uint8Array): Uint8Array | undefined => {
  try {
    return zstdDecompressSync(bytes, { maxOutputLength: DEFAULT_INFLATE_LIMITS.maxBytes })
  } catch {
    return undefined
  }
}

/** Two bodies of one call: what comes out stays within both caps over both of them. */
function checkCaps(input: Uint8Array, isFrame: boolean): void {
  for (const limits of LIMITS) {
    const inflater = new Inflater(nodePlatform, limits)
    let total = 0
    for (let bodies = 1; bodies <= 2; bodies++) {
      const result = attempt(() => inflater.inflate(input))
      if ('refused' in result) {
        assert.ok(REFUSALS.includes(result.refused.code), `a body is refused with ${result.refused.code}`)
        break
      }
      assert.ok(isFrame, 'a body is inflated that is not one zstd frame')
      assert.deepEqual(Buffer.from(result.value), Buffer.from(inflated(input) ?? []), 'another content')
      total += result.value.length
      assert.ok(total <= limits.maxBytes, `${total} bytes come out, at most ${limits.maxBytes}`)
      assert.ok(
        total <= limits.maxRatio * bodies * input.length,
        `${total} bytes come out of ${bodies} bodies`
      )
    }
  }
}

/** A frame says where it ends: with a byte more or less it is one no longer. */
function checkEnds(frame: Uint8Array): void {
  for (const other of [frame.subarray(0, -1), joined(frame, Uint8Array.of(0))])
    assert.ok('refused' in attempt(() => checkZstdFrame(other)), `${other.length} bytes are taken as well`)
}

/** What we compress ourselves is taken. */
function checkRoundTrip(input: Uint8Array): void {
  checkZstdFrame(nodePlatform.deflate!(input))
  const small = deflate(nodePlatform, input)
  if (small === undefined) return
  assert.ok(small.length < input.length)
  const content = new Inflater(nodePlatform).inflate(small)
  assert.deepEqual(Buffer.from(content), Buffer.from(input), 'a body is another after deflate and inflate')
}

function run(input: Uint8Array): void {
  const frame = attempt(() => checkZstdFrame(input))
  if ('refused' in frame) assert.equal(frame.refused.code, 'bad_payload')
  else checkEnds(input)
  checkCaps(input, 'value' in frame)
  checkRoundTrip(input)
}

export const zstd: Target = {
  name: 'zstd',
  about: 'compressed bodies: one frame or none, never more out than both caps allow',
  maxBytes: 4096,
  mutations: Object.values(BYTE_MUTATIONS),
  dictionary: ZSTD_TOKENS,
  seeds: () => zstdSeeds().filter(({ length }) => length <= 4096),
  run
}
