import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { LEAST_TREATY, grantOf, readTreaty } from '../../federation/index.ts'
import { OapError } from '../../protocols/index.ts'
import { Grant } from '../guards/grant.ts'
import { CLINIC, NOW_S, SHARE, TENANT, treatyOn } from './allowlist.fixture.ts'
import { treatyText, treatyValue } from './treaty-text.ts'
import { FIRST_TREATY, differencesOf, grantTerms, readTreatyDocument, tenantProblems } from './treaty.ts'

const problems = (document: unknown): readonly string[] => {
  const read = readTreatyDocument(document)
  return 'problems' in read ? read.problems : []
}

test('the first treaty is a good one, shares nothing, and lets the other hub echo alone', () => {
  assert.deepEqual(readTreaty(FIRST_TREATY), { value: FIRST_TREATY })
  assert.deepEqual(
    [FIRST_TREATY.verbs, FIRST_TREATY.rows, FIRST_TREATY.classes, FIRST_TREATY.witness, FIRST_TREATY.expires],
    [['echo:call'], [], [], false, undefined]
  )
  assert.ok(FIRST_TREATY.quotas.calls_per_s < LEAST_TREATY.quotas.calls_per_s)
})

test('a verb that a service of every node does not have is wrong; one of another service is not', () => {
  assert.deepEqual(problems({ verbs: ['mailbox:send', 'vest:read'] }), [])
  assert.deepEqual(problems({ verbs: ['mailbox:sned', 'audit:write', 'admin:status'] }), [
    'verbs[0]: there is no verb mailbox:sned',
    'verbs[1]: there is no verb audit:write',
    'verbs[2]: admin:status is for this machine alone'
  ])
})

test('a document that is no treaty is told so, whatever it is', () => {
  for (const document of [undefined, null, 7, 'text', [], { verbs: 'echo:call' }, { verbs: [7, {}] }])
    assert.ok(problems(document).length > 0, JSON.stringify(document))
})

test('whatever text an operator gives is a treaty or told why not, and never thrown', () => {
  const documents = fc.anything({ maxDepth: 4, withNullPrototype: true, withBigInt: true, withDate: true })
  const members = fc.record(
    { verbs: documents, rows: documents, quotas: documents, classes: documents, expires: documents },
    { requiredKeys: [] }
  )
  const text = fc.oneof(fc.string({ unit: 'binary' }), fc.json(), fc.constant('[__proto__]\nx = 1'))
  const isJudged = (read: ReturnType<typeof readTreatyDocument>): boolean =>
    'value' in read ? read.value.verbs.every(verb => verb.includes(':')) : read.problems.length > 0
  fc.assert(
    fc.property(fc.oneof(documents, members), document => isJudged(readTreatyDocument(document))),
    { numRuns: 2000 }
  )
  fc.assert(
    fc.property(text, given => {
      const read = treatyValue(given)
      return 'problem' in read ? read.problem !== '' : isJudged(readTreatyDocument(read.value))
    }),
    { numRuns: 2000 }
  )
})

test('shares of tenants that are not there are named', () => {
  assert.deepEqual(
    tenantProblems(treatyOn(TENANT), id => id === TENANT),
    []
  )
  assert.match(tenantProblems(treatyOn(TENANT), () => false).join(), /^rows\[0\]\.tenant: .*tenant add$/)
})

test('text of a treaty is read to what it was written from, as TOML and as JSON', () => {
  const treaty = { ...treatyOn(TENANT), expires: NOW_S }

  for (const text of [treatyText(treaty), ` ${JSON.stringify(treaty)}`]) {
    const read = treatyValue(text)
    assert.ok('value' in read)
    assert.deepEqual(readTreatyDocument(read.value), { value: treaty })
  }
})

for (const [what, text, says] of [
  ['JSON with a member twice', '{"verbs":[],"verbs":["echo:call"]}', /verbs/],
  ['JSON that ends too soon', '{"verbs":[', /JSON/],
  ['a fraction', '{"window_s":1.5}', /./],
  ['broken TOML', 'verbs = [', /^line 1, column \d+/],
  ['TOML with a key twice', 'window_s = 60\nwindow_s = 61\n', /^line 2/],
  ['too much', '#'.repeat(65_537), /longer than 65536 bytes/]
] as const) {
  test(`text that is ${what} is no treaty`, () => {
    const read = treatyValue(text)

    assert.ok('problem' in read)
    assert.match(read.problem, says)
  })
}

test('what a connection may do is what the treaty says', () => {
  const treaty = { ...treatyOn(TENANT), verbs: ['mailbox:send'], expires: NOW_S + 1 }
  const terms = grantTerms(CLINIC, treaty)
  const use = {
    verb: 'mailbox:send',
    isOfTopic: true,
    topic: 'dispatch/SF',
    isOfContent: false,
    share: SHARE,
    brings: true,
    tenantId: undefined,
    now: NOW_S
  }

  const granted = new Grant(terms).judge(use)
  assert.ok(!(granted instanceof OapError))
  assert.deepEqual([granted.principal, granted.tenant, granted.share], [`hub:${CLINIC}`, TENANT, SHARE])
  assert.deepEqual(terms.rates, {
    calls: { burst: 10, perSecond: 10 },
    bytes: { burst: 1_048_576, perSecond: 1_048_576 },
    streams: 4
  })
  assert.equal(terms.expires, NOW_S + 1)
})

test('a grant ends with its treaty or with the delegation of the node, whichever is first', () => {
  const treaty = { ...treatyOn(TENANT), expires: NOW_S }

  assert.equal(grantTerms(CLINIC, treaty, NOW_S).expires, NOW_S)
  assert.equal(grantTerms(CLINIC, treaty, NOW_S - 100).expires, NOW_S - 39)
  assert.equal(grantTerms(CLINIC, treatyOn(TENANT), NOW_S).expires, NOW_S + 61)
  assert.equal(grantTerms(CLINIC, treatyOn(TENANT)).expires, Infinity)
})

test('where both sides differ is said from this side', () => {
  const theirs = grantOf({ ...treatyOn(TENANT), window_s: 60 })

  assert.deepEqual(differencesOf(treatyOn(TENANT), theirs), [
    { what: 'dir', share: SHARE, here: 'in', there: 'in' },
    { what: 'window_s', here: 604_800, there: 60 }
  ])
})
