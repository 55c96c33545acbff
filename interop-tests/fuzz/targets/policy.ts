import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import {
  DECISION_RECORD,
  EVIDENCE,
  POLICY,
  canonicalJson,
  decide,
  evidenceText,
  policyHash,
  policyText,
  readForm,
  readPolicy,
  recordOf
} from '../../../federation/index.ts'
import type { Evidence, Policy } from '../../../federation/index.ts'
import { BYTE_MUTATIONS } from '../engine/mutate.ts'
import type { Target } from '../engine/target.ts'
import { JSON_TOKENS } from './dictionary.ts'

const path = new URL('../../../specs/vectors/federation-policy.json', import.meta.url)
const VECTORS = JSON.parse(readFileSync(path, 'utf8')) as {
  readonly policies: readonly { readonly file: string; readonly accept: boolean }[]
  readonly evidence: readonly { readonly evidence: Evidence; readonly accept: boolean }[]
}
const ITEMS = VECTORS.evidence.filter(({ accept }) => accept).map(({ evidence }) => evidence)
const POLICIES = VECTORS.policies.flatMap(({ file }) => {
  const read = readPolicy(Buffer.from(file))
  return 'value' in read ? [read.value] : []
})
const SEVERITY = ['accept', 'quarantine', 'reject']
const MAX_BYTES = 2048

function checkDecision(policy: Policy, evidence: Evidence): void {
  const decision = decide(policy, evidence)
  const { score, signals, verdict } = decision
  assert.equal(
    score,
    signals.reduce((sum, { weight }) => sum + weight, 0)
  )
  assert.ok(Math.abs(score) <= POLICY.maxScore)
  assert.equal(canonicalJson(decide(policy, evidence)), canonicalJson(decision))
  const record = recordOf(decision, { version: policy.version, hash: policyHash(policy), decidedAt: 1 })
  assert.ok('value' in readForm(DECISION_RECORD, record))
  const worse = decide(policy, { ...evidence, standing: 'unknown' })
  assert.equal(worse.verdict, 'reject')
  assert.ok(SEVERITY.indexOf(verdict) >= 0)
}

function checkPolicy(input: Uint8Array): void {
  const read = readPolicy(input)
  if ('problems' in read) {
    assert.ok(read.problems.length > 0)
    return
  }
  const text = policyText(read.value)
  const again = readPolicy(Buffer.from(text))
  assert.ok('value' in again && policyText(again.value) === text)
  for (const evidence of ITEMS) checkDecision(read.value, evidence)
}

function checkEvidence(input: Uint8Array): void {
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(input).toString())
  } catch {
    return
  }
  const read = readForm(EVIDENCE, value)
  if ('problems' in read) return
  assert.equal(evidenceText(read.value), canonicalJson(value as Evidence))
  for (const policy of POLICIES) checkDecision(policy, read.value)
}

export const policy: Target = {
  name: 'policy',
  about: 'acceptance policies and evidence: one text each, bounded scores, records that are read again',
  maxBytes: MAX_BYTES,
  mutations: Object.values(BYTE_MUTATIONS),
  dictionary: [
    ...JSON_TOKENS,
    ...[
      '"rules":{',
      '"weight":-1000',
      '"known_type":{"weight":1,"types":["mailbox.message"]}',
      '"large_body":{"weight":1,"over":0}',
      '"accept_from":0',
      '"reject_to":-1',
      '"standing":"quarantined"',
      '"kind":"mailbox.directed"'
    ].map(text => Buffer.from(text))
  ],
  seeds: () => [
    ...VECTORS.policies.map(({ file }) => Buffer.from(file)).filter(({ length }) => length <= MAX_BYTES),
    ...VECTORS.evidence.map(({ evidence }) => Buffer.from(JSON.stringify(evidence)))
  ],
  run(input) {
    checkPolicy(input)
    checkEvidence(input)
  }
}
