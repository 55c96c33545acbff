import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { BlockSet } from './blob.fixture.ts'
import { cidText } from './cid.ts'
import { PROFILES } from './limits.ts'
import type { ProfileName } from './limits.ts'

interface BlobVector {
  readonly profile: ProfileName
  /** One of these tells the bytes. */
  readonly counted?: number
  readonly zeros?: number
  readonly cid: string
  readonly blocks: number
}

const { blobs } = JSON.parse(
  readFileSync(new URL('../../specs/vectors/storage-cids.json', import.meta.url), 'utf8')
) as { readonly blobs: readonly BlobVector[] }

describe('our nodes have the hashes that other tools give them', () => {
  for (const { profile, counted: length, zeros = 0, cid } of blobs) {
    test(`${length ?? `${zeros} zero`} bytes under ${profile}`, () => {
      const bytes = length === undefined ? new Uint8Array(zeros) : counted(length)

      assert.equal(cidText(new BlockSet().blob(bytes, PROFILES[profile])), cid)
    })
  }
})

/** @see specs/vectors/README.md, storage-cids.json */
function counted(length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  let state = 1
  for (let n = 0; n < length; n++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    bytes[n] = state >>> 16
  }
  return bytes
}
