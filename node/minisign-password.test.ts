import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  MAX_PASSWORD_BYTES,
  MAX_PASSWORD_COST,
  PASSWORD_COST,
  lockSecretKey,
  scryptParameters,
  unlockSecretKey
} from './minisign-password.ts'
import { SECRET_OFFSET } from './minisign-secret.ts'
import {
  MinisignError,
  generateMinisign,
  isPasswordProtected,
  parseSecretKey,
  publicKeyLine
} from './minisign.ts'

// Made by minisign 0.11, whose limit of memory made it spend less than it does otherwise.
const PASSWORD = 'correct horse'
const PUBLIC = 'RWQQHmOHnV5+clF+ntdloChXUDDjQ3ctYOE+gzG+b4ZPuwydviZ+523L'
const LOCKED = fileOf(
  'RWRTY0IyuL2Dp8Fnfl+jJEXiCt5hljION1dAZ5ZaIHpGUTMLVvUAABAAAAAAAAAAAAIAAAAAGgBNsXOmbSmOEJnaaiMyxBdWr1pXZ/wa5iFcLx/fpJvHm4La36/eKrrPwfHqsI1YCQVcvC+rh1hEHXT89yV0b9HshMzTd5pdnNuUWMS7hWiwVlzOVfqVRR18hqMV30rkXYv3T6cg4zs='
)
const COST = { opsLimit: 2 ** 20, memLimit: 2 ** 25 }
const CHEAP = { cost: { opsLimit: 32_768, memLimit: 2 ** 17 } }

test('opens a file of minisign with its password', async () => {
  const { secretKey, text } = await unlockSecretKey(LOCKED, PASSWORD)

  assert.equal(publicKeyLine(secretKey), PUBLIC)
  assert.deepEqual(parseSecretKey(text).publicKey, secretKey.publicKey)
})

test('writes the file that minisign writes for the same key, password, salt and cost', async () => {
  const { text } = await unlockSecretKey(LOCKED, PASSWORD)
  const salt = bytesOf(LOCKED).subarray(SECRET_OFFSET.salt, SECRET_OFFSET.opsLimit)

  assert.equal(await lockSecretKey(text, PASSWORD, { cost: COST, salt }), LOCKED)
})

test('opens what it writes, each time under another salt', async () => {
  const { secretKey, text } = generateMinisign()

  const locked = await Promise.all([lockSecretKey(text, 'a', CHEAP), lockSecretKey(text, 'a', CHEAP)])
  const opened = await unlockSecretKey(locked[0], 'a')

  assert.notEqual(locked[0], locked[1])
  assert.equal(isPasswordProtected(locked[0]), true)
  assert.throws(() => parseSecretKey(locked[0]), /protected by a password/)
  assert.deepEqual(
    [opened.text, opened.secretKey.publicKey],
    [(await unlockSecretKey(text, 'any')).text, secretKey.publicKey]
  )
})

test('a wrong password and a byte changed anywhere behind the salt give no key', async () => {
  const { text } = generateMinisign()
  const locked = await lockSecretKey(text, 'right', CHEAP)
  const places = [SECRET_OFFSET.salt, SECRET_OFFSET.keyId, SECRET_OFFSET.seed, SECRET_OFFSET.publicKey, 157]
  const damaged = places.map(at => withByte(locked, at, byte => byte ^ 1))

  await assert.rejects(unlockSecretKey(locked, 'Right'), /wrong password, or the file is damaged/)
  for (const file of damaged) await assert.rejects(unlockSecretKey(file, 'right'), MinisignError)
})

for (const [what, at] of [
  ['operations', SECRET_OFFSET.opsLimit],
  ['memory', SECRET_OFFSET.memLimit]
] as const) {
  test(`refuses a file that asks for absurd ${what}, and says how to mend it`, async () => {
    for (const bits of [2n ** 31n, 2n ** 63n, 2n ** 64n - 1n]) {
      const bytes = bytesOf(LOCKED)
      bytes.writeBigUInt64LE(bits, at)

      await assert.rejects(unlockSecretKey(fileOf(bytes.toString('base64')), PASSWORD), {
        name: 'MinisignError',
        message: new RegExp(`${bits} .*at most 134217728 and 1073741824 are spent; .*minisign -C`)
      })
    }
  })
}

test('takes what minisign itself asks for, and asks for no less work', () => {
  const minisign = { opsLimit: 2 ** 25, memLimit: 2 ** 30 }

  assert.ok(
    minisign.opsLimit <= MAX_PASSWORD_COST.opsLimit && minisign.memLimit <= MAX_PASSWORD_COST.memLimit
  )
  assert.equal(work(scryptParameters(PASSWORD_COST)), work(scryptParameters(minisign)))
})

test('picks the parameters of scrypt as libsodium does', () => {
  const picked = [
    [2 ** 25, 2 ** 30],
    [2 ** 20, 2 ** 25],
    [524_288, 16_777_216],
    [2 ** 25, 2 ** 28],
    [32_768, 16_777_216],
    [0, 0],
    [2 ** 25 - 1, 2 ** 30 - 1]
  ].map(([opsLimit = 0, memLimit = 0]) => scryptParameters({ opsLimit, memLimit }))

  assert.deepEqual(
    picked.map(({ N, r, p }) => [N, r, p]),
    [
      [2 ** 20, 8, 1],
      [2 ** 15, 8, 1],
      [2 ** 14, 8, 1],
      [2 ** 18, 8, 4],
      [2 ** 10, 8, 1],
      [2, 8, 512],
      [2 ** 19, 8, 1]
    ]
  )
})

test('refuses a password that minisign would not take, and to lock twice', async () => {
  const { text } = generateMinisign()
  const long = 'é'.repeat(MAX_PASSWORD_BYTES / 2 + 1)

  await assert.rejects(lockSecretKey(text, '', CHEAP), RangeError)
  await assert.rejects(lockSecretKey(text, long, CHEAP), RangeError)
  await assert.rejects(lockSecretKey(LOCKED, 'a', CHEAP), /already/)
})

test('answers hostile bytes with MinisignError only', async () => {
  const bytes = fc.uint8Array({ minLength: 158, maxLength: 158 })
  const head = fc.constantFrom('EdScB2', 'Ed\0\0B2', 'EdScB3', 'ED')

  await fc.assert(
    fc.asyncProperty(bytes, head, async (random, name) => {
      const hostile = Buffer.from(random)
      hostile.write(name, 0, 'latin1')
      // Cheap enough to be opened.
      hostile.fill(0, SECRET_OFFSET.opsLimit, SECRET_OFFSET.keyId)
      await assert.rejects(unlockSecretKey(fileOf(hostile.toString('base64')), 'a'), MinisignError)
    })
  )
})

const work = ({ N, r, p }: ReturnType<typeof scryptParameters>): number => N * r * p

function fileOf(encoded: string): string {
  return `untrusted comment: minisign encrypted secret key\n${encoded}\n`
}

function bytesOf(text: string): Buffer {
  return Buffer.from(text.split('\n')[1] ?? '', 'base64')
}

function withByte(text: string, at: number, change: (byte: number) => number): string {
  const bytes = bytesOf(text)
  bytes[at] = change(bytes[at] ?? 0)
  return fileOf(bytes.toString('base64'))
}
