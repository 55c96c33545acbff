import assert from 'node:assert/strict'
import { createHash, createPrivateKey, createPublicKey, sign, verify as verifyBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { Check } from 'typebox/schema'
import { ROW_MEMBERS, checkRegistry, rowMessage } from './check.ts'
import type { Registry, RegistryRow } from './check.ts'

const readJson = (name: string): unknown => JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8'))
const published = readJson('app_proto_ids.json') as Registry
const schema = readJson('app_proto_ids.schema.json') as object

const CHANGED: Partial<Record<string, string>> = { stage: 'final', since: '2020-01-01', name: 'other' }

describe('the published registry', () => {
  test('has no problems, also as its own successor', () => {
    assert.deepEqual(checkRegistry(published, { verify, previous: published }), [])
  })

  test('fits its schema', () => {
    assert.ok(Check(schema, published))
  })

  test('holds the ids that the specification names', () => {
    const ids = Object.fromEntries(published.rows.map(({ id, name }) => [id, name]))

    assert.deepEqual(ids, {
      '0x0000': 'control',
      '0x0001': 'echo',
      '0x0002': 'capabilities',
      '0x0003': 'admin',
      '0x0201': 'mailbox',
      '0x0301': 'storage',
      '0x0401': 'audit',
      '0x0501': 'federation',
      '0x1001': 'vest'
    })
  })

  test('asks in its schema for the members that the check asks for', () => {
    const { $defs } = schema as { $defs: { row: { required: string[]; properties: object } } }

    assert.deepEqual($defs.row.required, ROW_MEMBERS)
    assert.deepEqual(Object.keys($defs.row.properties), ROW_MEMBERS)
  })
})

describe('a registry is refused', () => {
  for (const member of ROW_MEMBERS) {
    test(`with a row that lacks ${member}`, () => {
      const next = changeRow('vest', row =>
        Object.fromEntries(Object.entries(row).filter(([name]) => name !== member))
      )

      assert.match(problemsOf(next), new RegExp(`${member} is missing`))
      assert.equal(Check(schema, next), false)
    })

    test(`with a row whose ${member} is a number`, () => {
      const next = changeRow('vest', row => ({ ...row, [member]: 7 }))

      assert.match(problemsOf(next), new RegExp(`${member} is missing`))
    })
  }

  test('with a member that rows do not have', () => {
    assert.match(problemsOf(changeRow('vest', row => ({ ...row, colour: 'blue' }))), /colour is not a member/)
  })

  for (const member of ROW_MEMBERS.filter(
    name => !['id', 'range', 'owner_key', 'signature'].includes(name)
  )) {
    test(`when ${member} changed after signing`, () => {
      const other = CHANGED[member] ?? 'something else'

      assert.match(
        problemsOf(changeRow('vest', row => ({ ...row, [member]: other }))),
        /signature does not fit/
      )
    })
  }

  for (const [what, signature] of [
    ['empty of meaning', 'not a signature'],
    ["another row's", published.rows[0]!.signature],
    ['cut off', published.rows[8]!.signature.slice(0, 60)]
  ] as const) {
    test(`with a signature that is ${what}`, () => {
      assert.match(
        problemsOf(changeRow('vest', row => ({ ...row, signature }))),
        /0x1001 vest: the signature does not fit/
      )
    })
  }

  test('with a changed trusted comment', () => {
    const next = changeRow('vest', row => ({
      ...row,
      signature: row.signature.replace('registry row', 'registry ROW')
    }))

    assert.match(problemsOf(next), /signature does not fit/)
  })

  test('with an id twice', () => {
    const next = { ...published, rows: [...published.rows, signed({ ...rowOf('vest'), name: 'vest_two' })] }

    assert.deepEqual(checkRegistry(next, { verify }), ['0x1001 vest_two: the id stands twice'])
  })

  test('with a name twice', () => {
    const next = { ...published, rows: [...published.rows, signed({ ...rowOf('vest'), id: '0x1002' })] }

    assert.deepEqual(checkRegistry(next, { verify }), ['0x1002 vest: the name stands twice'])
  })

  for (const [id, range, complaint] of [
    ['0x0FFF', 'applications', /outside applications, 0x1000 to 0x7FFF/],
    ['0x8000', 'applications', /outside applications/],
    ['0x8000', 'private_use', /private_use takes no rows/],
    ['0x1002', 'elsewhere', /range elsewhere does not exist/],
    ['0x100', 'applications', /id must be 0x and four upper-case hex digits/],
    ['0x10af', 'applications', /id must be 0x/],
    ['4097', 'applications', /id must be 0x/]
  ] as const) {
    test(`with the id ${id} in ${range}`, () => {
      const next = {
        ...published,
        rows: [...published.rows, signed({ ...rowOf('vest'), id, range, name: 'new_one' })]
      }

      assert.match(problemsOf(next), complaint)
    })
  }

  for (const [what, value] of [
    ['null', null],
    ['a list', []],
    ['without rows', { ranges: [] }],
    ['with rows that are no objects', { ranges: [], rows: ['x', null] }]
  ] as const) {
    test(`when it is ${what}`, () => assert.notEqual(problemsOf(value), ''))
  }

  test('with a gap between ranges', () => {
    const next = { ...published, ranges: published.ranges.filter(({ name }) => name !== 'agent_services') }

    assert.match(problemsOf(next), /range applications: begins at 0x1000, must begin at 0x0601/)
  })

  test('with an end before 0xFFFF', () => {
    assert.match(problemsOf({ ...published, ranges: published.ranges.slice(0, 3) }), /must end at 0xFFFF/)
  })
})

describe('a successor is refused', () => {
  const successor = (rows: readonly RegistryRow[]): string =>
    checkRegistry({ ...published, rows }, { verify, previous: published }).join('\n')
  const others = published.rows.filter(({ name }) => name !== 'vest')

  test('when a row is gone', () => {
    assert.match(successor(others), /0x1001 vest: the row is gone/)
  })

  test('when an id was reused', () => {
    assert.match(
      successor([...others, signed({ ...rowOf('vest'), name: 'waistcoat' })]),
      /reused for waistcoat/
    )
  })

  test('when a row was renumbered', () => {
    assert.match(successor([...others, signed({ ...rowOf('vest'), id: '0x1002' })]), /renumbered to 0x1002/)
  })

  test('when a stage went back', () => {
    const echo = signed({ ...rowOf('echo'), stage: 'draft' })
    const rows = published.rows.map(row => (row.name === 'echo' ? echo : row))

    assert.match(successor(rows), /0x0001 echo: stage went back from review to draft/)
  })

  test('when a range moved', () => {
    const moved = published.ranges.map(range => {
      if (range.name === 'core') return { ...range, to: '0x0700' }
      return range.name === 'agent_services' ? { ...range, from: '0x0701' } : range
    })

    assert.deepEqual(checkRegistry({ ...published, ranges: moved }, { verify, previous: published }), [
      'ranges: they may not change once published'
    ])
  })

  test('when there is nothing to compare with', () => {
    assert.match(
      checkRegistry(published, { verify, previous: null }).join(),
      /previous registry: not an object/
    )
  })
})

describe('a successor is accepted', () => {
  test('with a new row, a later stage and a new text', () => {
    const later = signed({ ...rowOf('vest'), stage: 'review', spec: 'https://vest.example/oap' })
    const fresh = signed({ ...rowOf('vest'), id: '0x1002', name: 'scarf' })
    const rows = [...published.rows.map(row => (row.name === 'vest' ? later : row)), fresh]

    assert.deepEqual(checkRegistry({ ...published, rows }, { verify, previous: published }), [])
  })
})

test('the signed message is the domain tag and the members in order, without the signature', () => {
  const message = new TextDecoder().decode(rowMessage({ b: '2', signature: 'x', a: '"' }))

  assert.equal(message, 'OMNIGATE-REGISTRY-ROW-V1\n{"a":"\\"","b":"2"}')
})

function problemsOf(registry: unknown): string {
  return checkRegistry(registry, { verify }).join('\n')
}

function rowOf(name: string): RegistryRow {
  return published.rows.find(row => row.name === name)!
}

function changeRow(name: string, change: (row: RegistryRow) => Record<string, unknown>): unknown {
  return { ...published, rows: published.rows.map(row => (row.name === name ? change(row) : row)) }
}

const DER_SECRET = Buffer.from('302e020100300506032b657004220420', 'hex')
const DER_PUBLIC = Buffer.from('302a300506032b6570032100', 'hex')
const SEED = Buffer.from(Array.from({ length: 32 }, (_, at) => at))
const testKey = createPrivateKey({ key: Buffer.concat([DER_SECRET, SEED]), format: 'der', type: 'pkcs8' })
const prehash = (message: Uint8Array): Buffer => createHash('blake2b512').update(message).digest()

function signed(row: RegistryRow): RegistryRow {
  const signature = sign(null, prehash(rowMessage(row)), testKey)
  const head = Buffer.concat([Buffer.from('ED'), Buffer.from('0102030405060708', 'hex'), signature])
  const global = sign(null, Buffer.concat([signature, Buffer.from('test')]), testKey)
  const lines = [
    'untrusted comment: test',
    head.toString('base64'),
    'trusted comment: test',
    global.toString('base64')
  ]
  return { ...row, signature: `${lines.join('\n')}\n` }
}

function verify(publicKey: string, message: Uint8Array, signature: string): boolean {
  const [, encoded = '', comment = '', global = ''] = signature.split('\n')
  const key = Buffer.from(publicKey, 'base64')
  const head = Buffer.from(encoded, 'base64')
  if (head.toString('latin1', 0, 2) !== 'ED' || !head.subarray(2, 10).equals(key.subarray(2, 10)))
    return false
  const spki = createPublicKey({
    key: Buffer.concat([DER_PUBLIC, key.subarray(10)]),
    format: 'der',
    type: 'spki'
  })
  const commented = Buffer.concat([head.subarray(10), Buffer.from(comment.replace('trusted comment: ', ''))])
  const isComment = verifyBytes(null, commented, spki, Buffer.from(global, 'base64'))
  return isComment && verifyBytes(null, prehash(message), spki, head.subarray(10))
}
