import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { isStatementBy, parseSigned } from '../statement.ts'
import { ANNOUNCEMENT, openAnnounced } from './announcement.ts'
import type { Announced } from './announcement.ts'
import { SHARED_MESSAGE, federatedId } from './shared-message.ts'
import { NEW_TRACK, settle, wanted } from './track.ts'
import type { Offer, Track } from './track.ts'
import type { Ranges } from './ranges.ts'

interface Named {
  readonly name: string
  readonly about: string
}

const vectors = JSON.parse(
  readFileSync(new URL('../../specs/vectors/federation-shares.json', import.meta.url), 'utf8')
) as {
  readonly key: string
  readonly statements: readonly (Named & {
    readonly accept: boolean
    readonly line: string
    readonly id?: string
  })[]
  readonly tracks: readonly (Named & {
    readonly settled: readonly number[]
    readonly offer: Offer
    readonly wanted: Ranges
  })[]
  readonly announcements: readonly (Named & {
    readonly share: string
    readonly line: string
    readonly opens: Announced | null
  })[]
}
const key = Buffer.from(vectors.key, 'hex')

void describe('vectors of shared topics', () => {
  for (const { name, about, accept, line, id } of vectors.statements)
    void test(`${name}: ${about}`, () => {
      if (!accept) {
        assert.throws(() => parseSigned(SHARED_MESSAGE, line), SyntaxError)
        return
      }
      const signed = parseSigned(SHARED_MESSAGE, line)
      assert.ok(isStatementBy(SHARED_MESSAGE, signed, key))
      assert.equal(federatedId(signed.statement), id)
    })

  for (const { name, about, settled, offer, wanted: expected } of vectors.tracks)
    void test(`${name}: ${about}`, () => {
      assert.deepEqual(wanted(settled.reduce<Track>(settle, NEW_TRACK), offer), expected)
    })

  for (const { name, about, share, line, opens } of vectors.announcements)
    void test(`${name}: ${about}`, () => {
      const signed = parseSigned(ANNOUNCEMENT, line)
      assert.ok(isStatementBy(ANNOUNCEMENT, signed, key))
      assert.deepEqual(openAnnounced(share, signed.statement) ?? null, opens)
    })
})
