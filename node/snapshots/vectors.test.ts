import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import {
  type HeldSnapshot,
  authorityRefusal,
  emptyBook,
  openSnapshot,
  parsePackage,
  parseSeal,
  succeeding,
  timeRefusal
} from '../../federation/index.ts'
import { isSealedBy } from './seal-authority.ts'

interface Named {
  readonly name: string
  readonly about: string
  readonly refusal: string | null
}

const { hub, now, seals, packages } = JSON.parse(
  readFileSync(new URL('../../specs/vectors/federation-snapshots.json', import.meta.url), 'utf8')
) as {
  readonly hub: string
  readonly now: number
  readonly seals: readonly (Named & { readonly text: string })[]
  readonly packages: readonly (Named & {
    readonly package: string
    readonly held: HeldSnapshot | null
    readonly verdict: string | null
  })[]
}

/** What a receiver that knows nothing else of the hub says of a package. */
function judged(text: string, held: HeldSnapshot | undefined): string {
  const files = parsePackage(Buffer.from(text))
  if ('why' in files) return files.why
  const opened = openSnapshot(files.value, isSealedBy)
  if ('why' in opened) return opened.why
  const { snapshot, sha256 } = opened.value
  const refusal = authorityRefusal(opened.value, emptyBook(hub), now) ?? timeRefusal(snapshot.statement, now)
  if (refusal !== undefined) return refusal.why
  const next = succeeding({ statement: snapshot.statement, sha256 }, held)
  return next.verdict === 'refused' ? next.refusal.why : next.verdict
}

describe('seals of the vectors', () => {
  for (const { name, about, text, refusal } of seals)
    test(`${name}: ${about}`, () => {
      const read = parseSeal(Buffer.from(text))
      assert.equal('why' in read ? read.why : null, refusal)
    })
})

describe('packages of the vectors', () => {
  for (const { name, about, package: text, held, refusal, verdict } of packages)
    test(`${name}: ${about}`, () => {
      assert.equal(judged(text, held ?? undefined), refusal ?? verdict)
    })
})
