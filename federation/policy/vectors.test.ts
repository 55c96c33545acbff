import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { canonicalJson } from '../canonical.ts'
import { readForm } from '../form.ts'
import { decide } from './decide.ts'
import { EVIDENCE } from './evidence.ts'
import type { Evidence } from './evidence.ts'
import { DEFAULT_POLICY, policyHash, policyText, readPolicy } from './policy.ts'
import type { Policy } from './policy.ts'

interface Named {
  readonly name: string
  readonly about: string
  readonly accept: boolean
}
type Verbatim = Named & { readonly file: string; readonly text?: string; readonly hash?: string }

const path = new URL('../../specs/vectors/federation-policy.json', import.meta.url)
const vectors = JSON.parse(readFileSync(path, 'utf8')) as {
  readonly policies: readonly Verbatim[]
  readonly evidence: readonly (Named & { readonly evidence: Evidence })[]
  readonly decisions: readonly {
    readonly policy: string
    readonly evidence: string
    readonly decision: string
  }[]
}

const policies = new Map<string, Policy>()
const items = new Map(vectors.evidence.map(({ name, evidence }) => [name, evidence]))

describe('a file', () => {
  for (const { name, about, accept, file, text, hash } of vectors.policies) {
    test(`${name} ${about} is ${accept ? 'taken' : 'refused'}`, () => {
      const read = readPolicy(Buffer.from(file))

      assert.equal('value' in read, accept)
      if (!('value' in read)) return
      policies.set(name, read.value)
      assert.equal(policyText(read.value), text)
      assert.equal(policyHash(read.value), hash)
    })
  }

  test('of the built-in policy has the hash that the text says', () => {
    const spec = readFileSync(new URL('../../specs/federation-policy.md', import.meta.url), 'utf8')

    assert.ok(spec.includes(`Its hash is \`${policyHash(DEFAULT_POLICY)}\``))
  })
})

describe('evidence', () => {
  for (const { name, about, accept, evidence } of vectors.evidence) {
    test(`${name} ${about} is ${accept ? 'taken' : 'refused'}`, () => {
      assert.equal('value' in readForm(EVIDENCE, evidence), accept)
    })
  }
})

test('every decision is the one of the vectors, to the byte', () => {
  assert.ok(vectors.decisions.length > 50)
  for (const { policy, evidence, decision } of vectors.decisions)
    assert.equal(canonicalJson(decide(policies.get(policy)!, items.get(evidence)!)), decision)
})
