import assert from 'node:assert/strict'
import { test } from 'node:test'
import { patterned, sha256 } from './blob.fixture.ts'
import { carBlockHead, carHeader } from './car.ts'
import { cidOf } from './cid.ts'

const BYTES = patterned(300)
const CID = cidOf('raw', sha256().update(BYTES).digest())
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

test('the header is a DAG-CBOR map of one root and the version, behind its length', () => {
  const map = `a265726f6f747381d82a582500${hex(CID.bytes)}6776657273696f6e01`

  assert.equal(hex(carHeader(CID)), `3a${map}`)
  assert.equal(map.length / 2, 0x3a)
})

test('a short root stands behind a head of one byte', () => {
  const identity = { bytes: Uint8Array.of(0x01, 0x55, 0x00, 0x00) }

  assert.equal(hex(carHeader(identity)), '19a265726f6f747381d82a4500015500006776657273696f6e01')
})

test('a block stands behind the length of it with its content id, and the content id', () => {
  assert.equal(hex(carBlockHead(CID, BYTES.length)), `d002${hex(CID.bytes)}`)
  assert.equal(hex(carBlockHead(CID, 0)), `24${hex(CID.bytes)}`)
})
