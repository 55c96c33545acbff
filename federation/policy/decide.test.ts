import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { canonicalJson } from '../canonical.ts'
import { publicBytes, signingKey } from '../ed25519.ts'
import { hubId } from '../hub-id.ts'
import { VERDICTS, decide } from './decide.ts'
import { ITEM_KINDS, ITEM_TYPES, SIGNATURES, STANDINGS } from './evidence.ts'
import type { Evidence } from './evidence.ts'
import { DEFAULT_POLICY, policyHash, readPolicy } from './policy.ts'
import type { Policy } from './policy.ts'
import { RULES, RULE_NAMES } from './rules.ts'
import type { Rule, Rules } from './rules.ts'

const ORIGINS = [1, 2].map(n => hubId(publicBytes(signingKey(new Uint8Array(32).fill(n)))))
const SHARES = ['00'.repeat(16), 'ab'.repeat(16)]
const ITEM: Evidence = {
  kind: 'mailbox.shared',
  origin: ORIGINS[0]!,
  share: SHARES[0]!,
  id: 'cd'.repeat(32),
  type: 'mailbox.message',
  bytes: 100,
  number: 1,
  standing: 'allowed',
  signature: 'valid'
}

describe('the default policy', () => {
  test('accepts a message, keeps a large one back, and a large one of unknown type out', () => {
    const { verdict, score, reasons } = decide(DEFAULT_POLICY, ITEM)
    const large = decide(DEFAULT_POLICY, { ...ITEM, bytes: 262_145 })
    const strange = decide(DEFAULT_POLICY, { ...ITEM, type: 'other' })
    const both = decide(DEFAULT_POLICY, { ...ITEM, type: 'other', bytes: 262_145 })

    assert.deepEqual([verdict, score, reasons], ['accept', 10, ['known_type']])
    assert.deepEqual([large.verdict, large.score], ['quarantine', -15])
    assert.deepEqual([strange.verdict, strange.score], ['quarantine', -10])
    assert.deepEqual([both.verdict, both.score], ['reject', -35])
  })

  test('is read again from its file, with the same hash', () => {
    const read = readPolicy(Buffer.from(JSON.stringify(DEFAULT_POLICY)))

    assert.ok('value' in read)
    assert.deepEqual(read.value, DEFAULT_POLICY)
    assert.equal(policyHash(read.value), policyHash(DEFAULT_POLICY))
  })
})

describe('a hard failure', () => {
  const trusting: Policy = {
    ...DEFAULT_POLICY,
    rules: { trusted_origin: { weight: 1000, origins: [ORIGINS[0]!] } }
  }
  for (const [reason, change] of [
    ['bad_signature', { signature: 'bad' }],
    ['revoked_key', { signature: 'revoked' }],
    ['not_allowlisted', { standing: 'unknown' }],
    ['treaty_expired', { standing: 'expired' }],
    ['origin_quarantined', { standing: 'quarantined' }],
    ['too_large', { bytes: DEFAULT_POLICY.max_bytes + 1 }]
  ] as const) {
    test(`${reason} rejects whatever the score`, () => {
      const { verdict, score, reasons } = decide(trusting, { ...ITEM, ...change })

      assert.deepEqual([verdict, score, reasons], ['reject', 1000, [reason, 'trusted_origin']])
    })
  }
})

const subset = (all: readonly string[]) =>
  fc.subarray([...all], { minLength: 1 }).map(some => some.toSorted())
const weight = fc.integer({ min: -1000, max: 1000 })
const members: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  types: subset(ITEM_TYPES),
  origins: subset(ORIGINS),
  shares: subset(SHARES),
  over: fc.integer({ min: 0, max: 2000 })
}
const rules = fc.record(
  Object.fromEntries(
    RULE_NAMES.map(name => {
      const own = Object.keys(RULES[name].members).map(member => [member, members[member]!])
      return [name, fc.record({ weight, ...Object.fromEntries(own) })]
    })
  ),
  { requiredKeys: [] }
) as fc.Arbitrary<Rules>
const policies: fc.Arbitrary<Policy> = fc
  .record({
    rules,
    version: fc.integer({ min: 1, max: 9 }),
    max_bytes: fc.integer({ min: 0, max: 4000 }),
    accept_from: fc.integer({ min: -2000, max: 2000 }),
    below: fc.integer({ min: 1, max: 2000 })
  })
  .map(({ below, ...policy }) => ({ policy: 1, ...policy, reject_to: policy.accept_from - below }))
const items: fc.Arbitrary<Evidence> = fc.record({
  kind: fc.constantFrom(...ITEM_KINDS),
  origin: fc.constantFrom(...ORIGINS),
  share: fc.constantFrom(...SHARES),
  id: fc.constant(ITEM.id),
  type: fc.constantFrom(...ITEM_TYPES),
  bytes: fc.integer({ min: 0, max: 5000 }),
  number: fc.integer({ min: 1, max: 9 }),
  standing: fc.constantFrom(...STANDINGS),
  signature: fc.constantFrom(...SIGNATURES)
})

const shuffled = <T extends object>(value: T, seed: number): T =>
  Object.fromEntries(
    Object.entries(value).toSorted((a, b) => ((a[0].length * seed) % 7) - ((b[0].length * seed) % 7))
  ) as T
const severity = ({ verdict }: { readonly verdict: string }): number =>
  VERDICTS.indexOf(verdict as (typeof VERDICTS)[number])

describe('of any policy and evidence', () => {
  test('the order of members changes no byte of the decision, nor the hash', () => {
    fc.assert(
      fc.property(policies, items, fc.integer({ min: 1, max: 6 }), (policy, item, seed) => {
        const other = { ...shuffled(policy, seed), rules: shuffled(policy.rules, seed) }

        assert.equal(canonicalJson(decide(other, shuffled(item, seed))), canonicalJson(decide(policy, item)))
        assert.equal(policyHash(other), policyHash(policy))
      })
    )
  })

  test('the text of a policy gives the same policy, and the same decision', () => {
    fc.assert(
      fc.property(policies, items, (policy, item) => {
        const read = readPolicy(Buffer.from(JSON.stringify(policy, undefined, 2)))

        assert.ok('value' in read)
        assert.equal(policyHash(read.value), policyHash(policy))
        assert.deepEqual(decide(read.value, item), decide(policy, item))
      })
    )
  })

  test('the score is the sum of the signals, whose rules are the reasons behind hard failures', () => {
    fc.assert(
      fc.property(policies, items, (policy, item) => {
        const { score, signals, reasons } = decide(policy, item)

        const names = signals.map(({ rule }) => rule)
        assert.equal(
          score,
          signals.reduce((sum, { weight: one }) => sum + one, 0)
        )
        assert.deepEqual(names, names.toSorted())
        assert.deepEqual(reasons.slice(reasons.length - names.length), names)
        assert.ok(Math.abs(score) <= RULE_NAMES.length * 1000)
      })
    )
  })

  test('more weight never makes a verdict stricter', () => {
    fc.assert(
      fc.property(policies, items, fc.nat({ max: 500 }), (policy, item, more) => {
        const heavier = Object.fromEntries(
          Object.entries<Rule>(policy.rules).map(([name, rule]) => [
            name,
            { ...rule, weight: rule.weight + more }
          ])
        )

        assert.ok(severity(decide({ ...policy, rules: heavier }, item)) <= severity(decide(policy, item)))
      })
    )
  })

  test('higher thresholds never make a verdict milder, nor do hard failures', () => {
    fc.assert(
      fc.property(policies, items, fc.nat({ max: 500 }), (policy, item, more) => {
        const stricter = {
          ...policy,
          accept_from: policy.accept_from + more,
          reject_to: policy.reject_to + more
        }
        const before = severity(decide(policy, item))

        assert.ok(severity(decide(stricter, item)) >= before)
        assert.ok(severity(decide({ ...policy, max_bytes: 0 }, item)) >= before)
        assert.ok(severity(decide(policy, { ...item, standing: 'unknown' })) >= before)
      })
    )
  })

  test('more bytes never make a verdict milder where size weighs against', () => {
    fc.assert(
      fc.property(policies, items, fc.nat({ max: 5000 }), (policy, item, more) => {
        const against = Object.fromEntries(
          Object.entries<Rule>(policy.rules).map(([name, rule]) => [
            name,
            name.endsWith('_body') ? { ...rule, weight: -Math.abs(rule.weight) } : rule
          ])
        )
        const judged = { ...policy, rules: against }

        const longer = decide(judged, { ...item, bytes: item.bytes + more })
        assert.ok(severity(longer) >= severity(decide(judged, item)))
      })
    )
  })
})

describe('a file is refused, by path,', () => {
  const file = (change: object): Uint8Array => Buffer.from(JSON.stringify({ ...DEFAULT_POLICY, ...change }))
  const refused: readonly (readonly [string, Uint8Array, RegExp])[] = [
    ['that is no JSON', Buffer.from('accept all'), /JSON/],
    ['of another form', file({ policy: 2 }), /^policy: not a whole number from 1 to 1$/],
    ['with a strange member', file({ extra: 1 }), /^unknown member "extra"$/],
    ['without thresholds', file({ accept_from: undefined }), /^accept_from: missing$/],
    ['with a fraction', Buffer.from('{"policy":1.5}'), /./],
    ['with a member twice', Buffer.from('{"policy":1,"policy":1}'), /./],
    ['with thresholds that meet', file({ reject_to: 0 }), /^reject_to: not less than accept_from$/],
    ['with a strange rule', file({ rules: { pretty: { weight: 1 } } }), /^rules: unknown member "pretty"$/],
    [
      'with a weight beyond its bound',
      file({ rules: { shared_item: { weight: 1001 } } }),
      /^rules\.shared_item\.weight: not a whole number from -1000 to 1000$/
    ],
    [
      'with a rule that lacks what it goes by',
      file({ rules: { large_body: { weight: 1 } } }),
      /^rules\.large_body\.over: missing$/
    ],
    [
      'with a list that is not ascending',
      file({ rules: { known_type: { weight: 1, types: ['other', 'mailbox.message'] } } }),
      /^rules\.known_type\.types: not ascending$/
    ],
    ['that is too long', Buffer.alloc(65_537, ' '), /longer than 65536 bytes/]
  ]
  for (const [what, bytes, problem] of refused) {
    test(what, () => {
      const read = readPolicy(bytes)

      assert.ok('problems' in read)
      assert.match(read.problems.join('; '), problem)
    })
  }
})
