import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { signingKey } from '../ed25519.ts'
import { cosign, cosignatures, cosigningKey, formatCosigningKey, parseCosigningKey } from '../log/index.ts'
import { publicBytes } from '../ed25519.ts'
import { equivocationId, equivocationLine } from './equivocation.ts'
import { judgeEquivocation } from './judgement.ts'
import { parseWitnessRequest } from './request.ts'
import { judgeWitnessing } from './witnessing.ts'
import type { SeenLog } from './witnessing.ts'

type Named = { readonly about: string }
const vectors = JSON.parse(
  readFileSync(new URL('../../specs/vectors/federation-witness.json', import.meta.url), 'utf8')
) as {
  readonly cosignatures: readonly (Named & {
    readonly seed: string
    readonly name: string
    readonly time: number
    readonly text: string
    readonly line: string
    readonly vkey: string
  })[]
  readonly requests: readonly (Named & {
    readonly body: string
    readonly accept: boolean
    readonly old?: number
    readonly hashes?: number
  })[]
  readonly witnessing: readonly (Named & {
    readonly hub: string
    readonly old_root: string
    readonly delegation: string
    readonly body: string
    readonly verdict: string
    readonly size?: number
    readonly proof?: string
  })[]
  readonly proofs: readonly (Named & {
    readonly line: string
    readonly verdict: string
    readonly id?: string
  })[]
}

describe('the vectors of witnesses', () => {
  for (const { about, seed, name, time, text, line, vkey } of vectors.cosignatures) {
    test(`${about} is cosigned as the vector has it`, () => {
      const key = signingKey(Buffer.from(seed, 'hex'))
      assert.equal(cosign(text, name, key, time), line)
      assert.equal(formatCosigningKey(cosigningKey(name, publicBytes(key))), vkey)
      assert.deepEqual(cosignatures(`${text}\n${line}`, [parseCosigningKey(vkey)]), [{ name, at: time }])
    })
  }

  for (const { about, body, accept, old, hashes } of vectors.requests) {
    test(`a request: ${about}`, () => {
      if (!accept) return assert.throws(() => parseWitnessRequest(Buffer.from(body)))
      const read = parseWitnessRequest(Buffer.from(body))
      assert.deepEqual([read.old, read.hashes.length], [old, hashes])
    })
  }

  test('what one witness is asked has the verdicts of the vectors', () => {
    const seen = new Map<string, SeenLog>()
    for (const { about, hub, old_root, delegation, body, ...expected } of vectors.witnessing) {
      const request = parseWitnessRequest(Buffer.from(body))
      const asked = { hub, request, oldRoot: Buffer.from(old_root, 'hex'), delegation }
      const verdict = judgeWitnessing(asked, { seenOf: origin => seen.get(origin), hasRoom: true })
      if (verdict.verdict === 'cosign') seen.set(verdict.origin, verdict.seen)
      const found = {
        verdict: verdict.verdict === 'refused' ? verdict.why : verdict.verdict,
        ...(verdict.verdict === 'known' && { size: verdict.size }),
        ...(verdict.verdict === 'equivocation' && { proof: equivocationLine(verdict.proof) })
      }
      assert.deepEqual(found, expected, about)
    }
  })

  for (const { about, line, verdict, id } of vectors.proofs) {
    test(`a proof: ${about}`, () => {
      const judged = judgeEquivocation(line)
      assert.equal(judged.ok ? 'proved' : judged.why, verdict)
      if (id !== undefined) assert.equal(equivocationId(line), id)
    })
  }
})
