import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  MinisignError,
  formatPublicKey,
  generateMinisign,
  keyIdText,
  minisignFromSeed,
  parsePublicKey,
  parseSecretKey,
  publicKeyLine,
  signFile,
  verifyFile
} from './minisign.ts'

interface Vector {
  readonly public_key: string
  readonly file_utf8: string
  readonly signature: string
  readonly trusted_comment: string
  readonly global_signature: string
}

const vectors: { readonly minisign: Vector } = JSON.parse(
  readFileSync(new URL('../specs/vectors/identifiers.json', import.meta.url), 'utf8')
)
const vector = vectors.minisign
const VECTOR_FILE = Buffer.from(vector.file_utf8)
const SEED = Uint8Array.from({ length: 32 }, (_, i) => i)
const KEY_ID = Uint8Array.from({ length: 8 }, (_, i) => i + 1)

test('makes the public key and the signature of the vector', () => {
  const { secretKey } = minisignFromSeed(SEED, KEY_ID)

  assert.equal(publicKeyLine(secretKey), vector.public_key)
  assert.equal(signFile(secretKey, VECTOR_FILE, { trustedComment: vector.trusted_comment }), vectorText())
  assert.equal(keyIdText(KEY_ID), '0807060504030201')
})

test('verifies the vector and gives its trusted comment', () => {
  assert.equal(
    verifyFile(parsePublicKey(vector.public_key), VECTOR_FILE, vectorText()),
    vector.trusted_comment
  )
})

test('reads back every key that it writes', () => {
  const { secretKey, text } = generateMinisign()

  const read = parseSecretKey(text)

  assert.deepEqual([read.keyId, read.publicKey], [Uint8Array.from(secretKey.keyId), secretKey.publicKey])
  assert.deepEqual(parsePublicKey(formatPublicKey(secretKey)).publicKey, secretKey.publicKey)
})

test('refuses a changed file, a changed comment, another key and an unhashed signature, each by name', () => {
  const publicKey = parsePublicKey(vector.public_key)
  const other = generateMinisign().secretKey
  const sameId = { ...other, keyId: KEY_ID }
  const unhashed = vectorText().replace('RUQB', 'RWQB')

  assert.throws(() => verifyFile(publicKey, Buffer.from('{}'), vectorText()), /does not fit the file/)
  assert.throws(
    () => verifyFile(publicKey, VECTOR_FILE, vectorText().replace('hashed', 'Hashed')),
    /does not fit the comment/
  )
  assert.throws(() => verifyFile(other, VECTOR_FILE, vectorText()), /another key/)
  assert.throws(() => verifyFile(sameId, VECTOR_FILE, vectorText()), /does not fit the file/)
  assert.throws(() => verifyFile(publicKey, VECTOR_FILE, unhashed), /not a prehashed/)
})

test('refuses a secret key whose public half is not its own, or of an unknown form', () => {
  const { text } = minisignFromSeed(SEED, KEY_ID)

  assert.throws(() => parseSecretKey(withByte(text, 100, 0xff)), /damaged/)
  assert.throws(() => parseSecretKey(withByte(text, 2, 0x53)), /damaged, or a newer form/)
})

test('refuses a public key under which forging is easy', () => {
  const weak = publicKeyLine({ keyId: KEY_ID, publicKey: new Uint8Array(32) })

  assert.throws(() => parsePublicKey(weak), /not a usable/)
})

test('refuses a trusted comment of two lines', () => {
  const { secretKey } = minisignFromSeed(SEED, KEY_ID)

  assert.throws(() => signFile(secretKey, VECTOR_FILE, { trustedComment: 'a\nb' }), RangeError)
})

test('answers hostile text with MinisignError only', () => {
  const hostile = fc.oneof(
    fc.string(),
    fc.string({ minLength: 8000, maxLength: 9000 }),
    fc.base64String(),
    fc.tuple(fc.nat(250), fc.string({ maxLength: 3 })).map(([at, text]) => vectorText().slice(0, at) + text)
  )
  const key = parsePublicKey(vector.public_key)
  fc.assert(
    fc.property(hostile, text => {
      for (const read of [parsePublicKey, parseSecretKey, (t: string) => verifyFile(key, VECTOR_FILE, t)]) {
        assert.throws(() => read(text), MinisignError)
      }
    })
  )
})

const missing = spawnSync('minisign', ['-v']).error === undefined ? false : 'minisign is not installed'

test('the minisign program accepts our key and our signature, and we accept its', { skip: missing }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'minisign-'))
  const [key, pub, file] = ['k.key', 'k.pub', 'file'].map(name => join(folder, name)) as [
    string,
    string,
    string
  ]
  try {
    const { secretKey, text } = generateMinisign()
    writeFileSync(key, text, { mode: 0o600 })
    writeFileSync(pub, formatPublicKey(secretKey))
    writeFileSync(file, 'content')
    writeFileSync(`${file}.minisig`, signFile(secretKey, Buffer.from('content'), { trustedComment: 'ours' }))
    run('-V', '-p', pub, '-m', file)

    run('-S', '-s', key, '-m', file, '-t', 'theirs')
    const theirs = readFileSync(`${file}.minisig`, 'utf8')
    assert.equal(verifyFile(secretKey, Buffer.from('content'), theirs), 'theirs')

    run('-G', '-f', '-W', '-p', pub, '-s', key)
    const made = parseSecretKey(readFileSync(key, 'utf8'))
    assert.deepEqual(made.publicKey, parsePublicKey(readFileSync(pub, 'utf8')).publicKey)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

function run(...args: readonly string[]): void {
  const { status, stderr } = spawnSync('minisign', args, { encoding: 'utf8', input: '' })
  assert.equal(status, 0, stderr)
}

function vectorText(): string {
  const { signature, trusted_comment: comment, global_signature: global } = vector
  const head = 'untrusted comment: signature from minisign secret key'
  return `${head}\n${signature}\ntrusted comment: ${comment}\n${global}\n`
}

function withByte(text: string, at: number, value: number): string {
  const [comment, encoded = ''] = text.split('\n')
  const bytes = Buffer.from(encoded, 'base64')
  bytes[at] = value
  return `${comment}\n${bytes.toString('base64')}\n`
}
