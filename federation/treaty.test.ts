import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readForm } from './form.ts'
import { TREATY_GRANT, grantOf } from './treaty-grant.ts'
import { ROW, SHARE, TENANT, treaties } from './treaty.fixture.ts'
import { LEAST_TREATY, readTreaty } from './treaty.ts'

const problemsOf = (document: unknown, about = {}): readonly string[] => {
  const read = readTreaty(document, about)
  return 'problems' in read ? read.problems : []
}

test('an empty document is the least treaty', () => {
  assert.deepEqual(readTreaty({}), { value: LEAST_TREATY })
})

test('reads a treaty as it was written, and what it leaves out from the least', () => {
  const { relay: _, ...row } = ROW

  assert.deepEqual(readTreaty({ rows: [row], expires: 5 }), {
    value: { ...LEAST_TREATY, rows: [ROW], expires: 5 }
  })
  fc.assert(fc.property(treaties, treaty => assert.deepEqual(readTreaty(treaty), { value: treaty })))
})

const OTHER = { id: 'bb'.repeat(16), name: 'other' }
const CONTRADICTIONS: readonly (readonly [string, object, readonly string[]])[] = [
  [
    'two rows with one share id',
    { rows: [ROW, { ...ROW, share: { ...OTHER, id: SHARE.id } }] },
    ['rows[1].share.id: stands in another row, too']
  ],
  [
    'two rows with one share name',
    { rows: [ROW, { ...ROW, share: { ...OTHER, name: SHARE.name } }] },
    ['rows[1].share.name: stands in another row, too']
  ],
  [
    'a row that sends nothing',
    { rows: [{ ...ROW, dir: 'out', topics: [] }] },
    ['rows[0].topics: none, so nothing goes out']
  ],
  [
    'a row that takes nothing',
    { rows: [{ ...ROW, dir: 'in', topics: [] }] },
    ['rows[0].topics: none, so nothing comes in']
  ],
  ['a topic twice', { rows: [{ ...ROW, topics: ['a', 'a'] }] }, ['rows[0].topics[1]: stands there twice']],
  ['a verb twice', { verbs: ['echo:call', 'echo:call'] }, ['verbs[1]: stands there twice']],
  ['a verb that there is not', { verbs: ['mailbox:sned'] }, ['verbs[0]: there is no verb mailbox:sned']],
  [
    'a verb of this machine',
    { verbs: ['admin:backup'] },
    ['verbs[0]: admin:backup is for this machine alone']
  ],
  ['a class twice', { classes: ['public', 'public'] }, ['classes[1]: stands there twice']],
  ['an end that is past', { expires: 1000 }, ['expires: 1970-01-01T00:16:40.000Z is past']]
]

for (const [what, document, problems] of CONTRADICTIONS) {
  test(`names ${what}`, () => {
    const about = { nowS: 1000, verbs: new Set(['echo:call', 'mailbox:send']) }

    assert.deepEqual(problemsOf(document, about), problems)
  })
}

test('an end that is to come is no contradiction, and none is past where no time is given', () => {
  assert.deepEqual(problemsOf({ expires: 1001 }, { nowS: 1000 }), [])
  assert.deepEqual(problemsOf({ expires: 1 }), [])
})

const FORMLESS: readonly (readonly [string, unknown, RegExp])[] = [
  ['null', null, /expected an object/],
  ['a member that is none', { verb: [] }, /^unknown member "verb"$/],
  [
    'a share id that is short',
    { rows: [{ ...ROW, share: { ...SHARE, id: 'aa' } }] },
    /^rows\[0\]\.share\.id: /
  ],
  [
    'a share name with a space',
    { rows: [{ ...ROW, share: { ...SHARE, name: 'a b' } }] },
    /^rows\[0\]\.share\.name: /
  ],
  ['no tenant', { rows: [{ ...ROW, tenant: undefined }] }, /^rows\[0\]\.tenant: not a UUID$/],
  [
    'the nil tenant',
    { rows: [{ ...ROW, tenant: TENANT.replace(/[0-9a-f]/g, '0') }] },
    /^rows\[0\]\.tenant: /
  ],
  [
    'a direction that is none',
    { rows: [{ ...ROW, dir: 'up' }] },
    /^rows\[0\]\.dir: not one of in, out, both$/
  ],
  [
    'a pattern that is none',
    { rows: [{ ...ROW, topics: ['a/**/b'] }] },
    /^rows\[0\]\.topics\[0\]: not a topic pattern$/
  ],
  [
    'more topics than a row may have',
    { rows: [{ ...ROW, topics: Array.from({ length: 17 }, () => 'a') }] },
    /topics: expected 0 to 16 values/
  ],
  [
    'more rows than a treaty may have',
    { rows: Array.from({ length: 65 }, () => ROW) },
    /^rows: expected 0 to 64 values/
  ],
  ['private content', { classes: ['private'] }, /^classes\[0\]: private content never leaves its hub$/],
  ['a verb without its service', { verbs: ['send'] }, /^verbs\[0\]: not a verb/],
  [
    'a quota of nothing',
    { quotas: { calls_per_s: 0, bytes_per_s: 1 << 20, streams: 1 } },
    /^quotas\.calls_per_s: /
  ],
  ['a quota left out', { quotas: { calls_per_s: 1, streams: 1 } }, /^quotas\.bytes_per_s: missing$/],
  ['a window of a second', { window_s: 1 }, /^window_s: /],
  ['a fraction', { expires: 1.5 }, /^expires: /]
]

for (const [what, document, problem] of FORMLESS) {
  test(`refuses ${what}`, () => assert.match(problemsOf(document).join('\n'), problem))
}

test('all problems are told together, by path', () => {
  const document = { rows: [{ ...ROW, dir: 'up', topics: ['//'] }, 1], window_s: 0 }

  assert.deepEqual(
    problemsOf(document).map(problem => problem.split(':')[0]),
    ['rows[0].dir', 'rows[0].topics[0]', 'rows[1]', 'window_s']
  )
})

test('a treaty that is longer than a handshake can carry is refused', () => {
  const rows = Array.from({ length: 64 }, (_, n) => ({
    ...ROW,
    share: { id: n.toString(16).padStart(32, '0'), name: `s${n}` },
    topics: Array.from({ length: 16 }, (_, t) => `${'x'.repeat(60)}/${t}`)
  }))

  assert.match(problemsOf({ rows }).join(), /^more than 32768 bytes go to the other hub$/)
})

test('answers any document with a treaty or with problems', () => {
  fc.assert(
    fc.property(fc.oneof(fc.anything(), fc.jsonValue()), document => {
      const read = readTreaty(document)
      assert.ok('value' in read || read.problems.length > 0)
    })
  )
})

test('what goes to the other hub names no tenant, and is read there as it was sent', () => {
  fc.assert(
    fc.property(treaties, treaty => {
      const grant = grantOf(treaty)

      assert.ok(!JSON.stringify(grant).includes(TENANT))
      assert.deepEqual(readForm(TREATY_GRANT, JSON.parse(JSON.stringify(grant))), { value: grant })
    })
  )
})

test('one treaty goes to the other hub as one text, in whatever order it was written', () => {
  const one = {
    ...LEAST_TREATY,
    rows: [
      { ...ROW, topics: ['b', 'a'] },
      { ...ROW, share: OTHER }
    ]
  }
  const other = {
    ...one,
    rows: [
      { ...ROW, share: OTHER },
      { ...ROW, topics: ['a', 'b'] }
    ]
  }

  assert.deepEqual(grantOf(one), grantOf(other))
})

test('passes over what it does not know of a grant, and refuses two rows of one share', () => {
  const grant = grantOf({ ...LEAST_TREATY, rows: [ROW] })
  const [row] = grant.rows
  const later = { ...grant, more: 1, rows: [{ ...row, more: 1 }], quotas: { ...grant.quotas, more: 1 } }

  assert.deepEqual(readForm(TREATY_GRANT, later), { value: grant })
  assert.deepEqual(readForm(TREATY_GRANT, { ...grant, rows: [row, row] }), {
    problems: ['rows[1].share.id: stands in another row, too']
  })
  assert.deepEqual(readForm(TREATY_GRANT, { ...grant, rows: [{ ...row, share: null }] }), {
    problems: ['rows[0].share: expected an object of id, name']
  })
})
