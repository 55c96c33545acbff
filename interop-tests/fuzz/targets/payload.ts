import assert from 'node:assert/strict'
import {
  MAX_JSON_BYTES,
  MAX_JSON_DEPTH,
  checkVersion,
  decodeBatch,
  decodePayload,
  encodeBatch,
  encodeJson,
  encodeRecord,
  parseHelloAnswer,
  parseJson
} from 'omnigate/protocols'
import type { JsonObject, OapError } from 'omnigate/protocols'
import { remoteError } from '../../../protocols/error-payload.ts'
import { parseHelloRequest } from '../../../protocols/hello.ts'
import { HeaderCache } from '../../../protocols/record.ts'
import { BYTE_MUTATIONS } from '../engine/mutate.ts'
import type { Target } from '../engine/target.ts'
import { BYTE_TOKENS, JSON_TOKENS } from './dictionary.ts'
import { attempt } from './oap-errors.ts'
import { payloadSeeds } from './seeds.ts'

const REFUSALS = ['bad_payload', 'body_oversize', 'bad_request', 'bad_version']
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function checkRefusal({ code }: OapError): void {
  assert.ok(REFUSALS.includes(code), `a payload is refused with ${code}`)
}

/** What JSON.parse makes of the bytes, undefined where it or the UTF-8 fails. */
function builtIn(bytes: Uint8Array): { readonly text: string; readonly value: unknown } | undefined {
  try {
    const text = strictUtf8.decode(bytes)
    return { text, value: JSON.parse(text) as unknown }
  } catch {
    return undefined
  }
}

/** True for what every rule of the specification allows, however it is looked at. */
function isPlain(value: unknown, depth = 1): boolean {
  if (typeof value === 'number') return Number.isSafeInteger(value)
  if (typeof value === 'string') return value.isWellFormed()
  if (typeof value !== 'object' || value === null) return true
  if (depth > MAX_JSON_DEPTH) return false
  return Object.entries(value).every(([name, v]) => name.isWellFormed() && isPlain(v, depth + 1))
}

function checkJson(bytes: Uint8Array): void {
  const ours = attempt(() => parseJson(bytes))
  const theirs = builtIn(bytes)
  if ('refused' in ours) {
    checkRefusal(ours.refused)
    if (theirs === undefined || bytes.length > MAX_JSON_BYTES || !theirs.text.startsWith('{')) return
    const isClearlyValid = theirs.text === JSON.stringify(theirs.value) && isPlain(theirs.value)
    assert.ok(!isClearlyValid, `valid JSON is refused: ${ours.refused.message}`)
    return
  }
  assert.ok(theirs !== undefined, 'JSON is taken that JSON.parse refuses')
  assert.deepEqual(JSON.parse(JSON.stringify(ours.value)), JSON.parse(JSON.stringify(theirs.value)))
  assert.ok(isPlain(ours.value), 'JSON is taken that the specification refuses')
  assert.deepEqual(parseJson(encodeJson(ours.value)), ours.value)
  checkMembers(ours.value, bytes)
}

/** What reads members of a header it did not write. */
function checkMembers(header: JsonObject, bytes: Uint8Array): void {
  for (const read of [() => parseHelloRequest(header), () => checkVersion(parseHelloAnswer(bytes))]) {
    const result = attempt(read)
    if ('refused' in result) checkRefusal(result.refused)
  }
}

function checkPayload(bytes: Uint8Array): void {
  const plain = attempt(() => decodePayload(bytes))
  if ('refused' in plain) checkRefusal(plain.refused)
  else if (plain.value.isRecord) {
    const { header, body } = plain.value
    const again = decodePayload(encodeRecord(header, body))
    assert.deepEqual(again, plain.value, 'a record encodes to another')
  }
  checkCache(bytes)
}

/** The same answers with a cache, also when it knows headers much like this one. */
function checkCache(bytes: Uint8Array): void {
  const cache = new HeaderCache({ slots: 2, maxBytes: 64 })
  const shorter = bytes.slice(0, Math.max(0, bytes.length - 1))
  const other = bytes.slice()
  if (other.length > 4) other[4]! ^= 1
  for (const each of [bytes, shorter, bytes, other, bytes]) {
    const cached = attempt(() => cache.decode(each))
    const plain = attempt(() => decodePayload(each))
    if ('refused' in plain) {
      assert.ok('refused' in cached, 'the cache takes what is refused without it')
      assert.equal(cached.refused.code, plain.refused.code)
    } else assert.deepEqual(cached, plain, 'the cache changes a payload')
  }
}

function checkBatch(bytes: Uint8Array): void {
  for (let count = 0; count < 4; count++) {
    const batch = attempt(() => decodeBatch(bytes, count))
    if ('refused' in batch) {
      checkRefusal(batch.refused)
      continue
    }
    assert.equal(batch.value.length, count)
    assert.deepEqual(encodeBatch(batch.value), bytes, 'a batch encodes to another')
    for (const record of batch.value) checkPayload(record)
  }
}

function checkError(bytes: Uint8Array): void {
  for (const status of [404, 503, 999]) {
    const error = remoteError(status, bytes, 7)
    assert.equal(error.status, status)
    assert.ok(typeof error.message === 'string' && typeof error.code === 'string')
  }
}

function run(input: Uint8Array): void {
  checkJson(input)
  checkPayload(input)
  checkBatch(input)
  checkError(input)
}

export const payload: Target = {
  name: 'payload',
  about:
    'JSON, records, batches, error bodies: as JSON.parse has it, cached or not; nothing thrown but OapError',
  maxBytes: 2048,
  mutations: Object.values(BYTE_MUTATIONS),
  dictionary: [...JSON_TOKENS, ...BYTE_TOKENS],
  seeds: () => payloadSeeds().filter(({ length }) => length <= 2048),
  run
}
