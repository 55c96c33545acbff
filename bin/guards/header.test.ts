import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { Frame, encodeFrame } from 'omnigate/protocols'
import type { FrameInit } from 'omnigate/protocols'

// What is deployed depends on these bytes. Another header is another protocol id, not a change of this file.
const GOLDEN_SHA256 = '97bc214033e5cbfae89f3dc92d0e15d9a8de0e99dc85cf299935c5b9db2f8fd7'

type Layout = readonly (readonly [field: string, offset: number, width: number])[]
interface Golden {
  readonly header_bytes: number
  readonly layout: Layout
  readonly flags: Readonly<Record<string, number>>
  readonly frames: Readonly<Record<string, string>>
}

const golden = JSON.parse(readFileSync(new URL('header.golden.json', import.meta.url), 'utf8')) as Golden
const spec = new URL('../../specs/', import.meta.url)

test('the golden bytes are those that were agreed', () => {
  const sha256 = createHash('sha256').update(JSON.stringify(golden)).digest('hex')

  assert.equal(
    sha256,
    GOLDEN_SHA256,
    'the header of OAP/1 does not change: restore bin/guards/header.golden.json'
  )
})

test('the layout of the specification is the golden one', () => {
  const [, section = ''] = readFileSync(new URL('oap-1.md', spec), 'utf8').split(/### 3.1 Layout|### 3.2/)
  const rows = [...section.matchAll(/^\| (\d+) +\| `(\w+)` +\| u(\d+) /gm)]

  assert.deepEqual(
    rows.map(([, offset, field, bits]) => [field, Number(offset), Number(bits) / 8]),
    golden.layout
  )
})

test('the flags of the specification are the golden ones', () => {
  const [, section = ''] = readFileSync(new URL('oap-1.md', spec), 'utf8').split('### 3.2 Flags')
  const rows = [...section.matchAll(/^\| 0x([0-9a-f]{4}) \| (\w+) /gm)]

  assert.deepEqual(
    Object.fromEntries(rows.map(([, bit = '', name = '']) => [name, parseInt(bit, 16)])),
    golden.flags
  )
})

test('the vectors hold every golden frame, byte for byte', () => {
  const vectors = { ...framesIn('oap1-frames.json'), ...framesIn('oap1-frames-more.json') }
  const held = Object.fromEntries(Object.keys(golden.frames).map(name => [name, vectors[name]]))

  assert.deepEqual(held, golden.frames)
})

const MARKED: readonly (readonly [string, FrameInit])[] = [
  ['flags', { flags: 0xff }],
  ['code', { flags: 0, code: 0xffff }],
  ['app_proto_id', { flags: 0, app: 0xffff }],
  ['tenant_id', { flags: 0, tenant: new Uint8Array(16).fill(0xff) }],
  ['corr_id', { flags: 0, corr: 0xffff_ffff_ffff_ffffn }]
]

for (const [field, init] of MARKED) {
  test(`${field} is written where the golden layout has it, and nowhere else`, () => {
    const [, offset, width] = golden.layout.find(([name]) => name === field)!
    const used = field === 'flags' ? 1 : width

    const written = changedBytes(encodeFrame({ flags: 0 }), encodeFrame(init))

    assert.deepEqual(
      written,
      Array.from({ length: used }, (_, at) => offset + at)
    )
  })
}

test('len and cap_len are written where the golden layout has them, lowest byte first', () => {
  const bytes = encodeFrame({ flags: 8, cap: new Uint8Array(0x0102), payload: new Uint8Array(0x010000) })

  assert.equal(bytes.length, golden.header_bytes + 0x0102 + 0x010000)
  assert.deepEqual([...bytes.subarray(0, 5)], [0x23, 0x01, 0x01, 0x00, 1])
  assert.deepEqual([...bytes.subarray(27, 29)], [0x02, 0x01])
})

for (const [name, hex] of framesThatRepeat()) {
  test(`golden frame ${name} is read field by field, and written again the same`, () => {
    const bytes = Uint8Array.from(Buffer.from(hex, 'hex'))
    const at = (field: string): bigint => littleEndian(bytes, golden.layout, field)

    const frame = new Frame(bytes, 0, bytes.length)

    assert.deepEqual(
      [frame.flags, frame.code, frame.app, frame.capLength, frame.corrId].map(BigInt),
      ['flags', 'code', 'app_proto_id', 'cap_len', 'corr_id'].map(at)
    )
    const { flags, code, app, tenant, corr, cap, payload } = frame
    assert.equal(
      Buffer.from(encodeFrame({ flags, code, app, tenant, corr, cap, payload })).toString('hex'),
      hex
    )
  })
}

/** Frames that a sender may send: what is malformed, or has reserved bits, is in the golden file for its bytes alone. */
function framesThatRepeat(): [string, string][] {
  const reservedBits = golden.layout.find(([name]) => name === 'flags')![1] * 2 + 2
  return Object.entries(golden.frames).filter(
    ([name, hex]) => /^[LUN]/.test(name) && hex.startsWith('00', reservedBits)
  )
}

function littleEndian(bytes: Uint8Array, layout: Layout, field: string): bigint {
  const [, offset, width] = layout.find(([name]) => name === field)!
  const highestFirst = Buffer.from(bytes.subarray(offset, offset + width))
    .reverse()
    .toString('hex')
  const value = BigInt(`0x${highestFirst}`)
  return field === 'flags' ? value & 0xffn : value
}

function changedBytes(before: Uint8Array, after: Uint8Array): number[] {
  return [...after.keys()].filter(at => before[at] !== after[at])
}

function framesIn(file: string): Record<string, string> {
  const groups = JSON.parse(readFileSync(new URL(`vectors/${file}`, spec), 'utf8')) as Record<string, unknown>
  const vectors = Object.values(groups).filter(Array.isArray).flat() as Record<string, unknown>[]
  return Object.fromEntries(vectors.map(({ name, hex, bytes }) => [name, hex ?? bytes]))
}
