import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { blake2b } from '@noble/hashes/blake2.js'
import {
  SECRET_OFFSET,
  isLocked,
  markLocked,
  readSecret,
  secretBytes,
  secretText
} from './minisign-secret.ts'
import type { MinisignSecretFile } from './minisign-secret.ts'
import { MinisignError } from './minisign-text.ts'

// libsodium's crypto_pwhash_scryptsalsa208sha256, which minisign derives with.
const BLOCK_SIZE = 8
const LEAST_OPS = 32_768
const MOST_BLOCKS = 0x3fff_ffff
const SALT_BYTES = SECRET_OFFSET.opsLimit - SECRET_OFFSET.salt
const HIDDEN_BYTES = SECRET_OFFSET.end - SECRET_OFFSET.keyId
const NO_COST = Buffer.alloc(SECRET_OFFSET.keyId - SECRET_OFFSET.salt)

/** minisign takes no longer one. */
export const MAX_PASSWORD_BYTES = 1024

/** What deriving a key from a password may cost, in libsodium's measures. */
export interface PasswordCost {
  /** Operations; libsodium's opslimit. */
  readonly opsLimit: number
  /** Bytes of memory; libsodium's memlimit. */
  readonly memLimit: number
}

/** The work of minisign's own files, in a quarter of their memory: 256 MiB, which a small machine has to spare. */
export const PASSWORD_COST: PasswordCost = { opsLimit: 2 ** 25, memLimit: 2 ** 28 }

/** Four times the work, and the memory, of what minisign writes; a file that asks for more is not opened. */
export const MAX_PASSWORD_COST: PasswordCost = { opsLimit: 2 ** 27, memLimit: 2 ** 30 }

export interface ScryptParameters {
  readonly N: number
  readonly r: number
  readonly p: number
}

/** The key of a secret key file and the file without its password. Takes seconds, on another thread. */
export async function unlockSecretKey(text: string, password: string): Promise<MinisignSecretFile> {
  const bytes = secretBytes(text)
  try {
    if (!isLocked(bytes)) return { secretKey: readSecret(bytes), text: secretText(bytes) }
    const cost = costIn(bytes)
    await hide(bytes, password, cost)
    const checksum = bytes.subarray(SECRET_OFFSET.checksum)
    if (!timingSafeEqual(checksum, checksumOf(bytes)))
      throw new MinisignError('secret key: wrong password, or the file is damaged')
    markLocked(bytes, false)
    bytes.set(NO_COST, SECRET_OFFSET.salt)
    checksum.fill(0)
    return { secretKey: readSecret(bytes), text: secretText(bytes) }
  } finally {
    bytes.fill(0)
  }
}

/**
 * The file of a key under a password, from its file without one. Takes seconds, on another thread.
 * @throws MinisignError for a file that is damaged or has a password already; RangeError for a password that minisign
 * would not take.
 */
export async function lockSecretKey(
  text: string,
  password: string,
  { cost = PASSWORD_COST, salt = randomBytes(SALT_BYTES) }: { cost?: PasswordCost; salt?: Uint8Array } = {}
): Promise<string> {
  const length = Buffer.byteLength(password)
  if (length < 1 || length > MAX_PASSWORD_BYTES)
    throw new RangeError(`a password has 1 to ${MAX_PASSWORD_BYTES} bytes`)
  const bytes = secretBytes(text)
  try {
    if (isLocked(bytes)) throw new MinisignError('secret key: protected by a password already')
    readSecret(bytes)
    markLocked(bytes, true)
    bytes.set(salt, SECRET_OFFSET.salt)
    bytes.writeBigUInt64LE(BigInt(cost.opsLimit), SECRET_OFFSET.opsLimit)
    bytes.writeBigUInt64LE(BigInt(cost.memLimit), SECRET_OFFSET.memLimit)
    bytes.set(checksumOf(bytes), SECRET_OFFSET.checksum)
    await hide(bytes, password, cost)
    return secretText(bytes)
  } finally {
    bytes.fill(0)
  }
}

/** The parameters of scrypt that libsodium picks for a cost: the most memory that both limits allow. */
export function scryptParameters({ opsLimit, memLimit }: PasswordCost): ScryptParameters {
  const ops = Math.max(opsLimit, LEAST_OPS)
  if (ops < Math.floor(memLimit / 32)) return { N: powerUpTo(ops / (BLOCK_SIZE * 4)), r: BLOCK_SIZE, p: 1 }
  const N = powerUpTo(memLimit / (BLOCK_SIZE * 128))
  const blocks = Math.min(Math.floor(Math.floor(ops / 4) / N), MOST_BLOCKS)
  return { N, r: BLOCK_SIZE, p: Math.floor(blocks / BLOCK_SIZE) }
}

/** The least power of two, from 2, that is more than half of `most`. */
function powerUpTo(most: number): number {
  let N = 2
  while (N <= Math.floor(Math.floor(most) / 2)) N *= 2
  return N
}

function costIn(bytes: Buffer): PasswordCost {
  const ops = bytes.readBigUInt64LE(SECRET_OFFSET.opsLimit)
  const memory = bytes.readBigUInt64LE(SECRET_OFFSET.memLimit)
  const { opsLimit, memLimit } = MAX_PASSWORD_COST
  if (ops > BigInt(opsLimit) || memory > BigInt(memLimit))
    throw new MinisignError(
      `secret key: its password would cost ${ops} operations and ${memory} bytes of memory, and at most ${opsLimit} and ${memLimit} are spent; set the password anew with minisign -C`
    )
  return { opsLimit: Number(ops), memLimit: Number(memory) }
}

/** Hides what lies open, and lays open what is hidden. */
async function hide(bytes: Buffer, password: string, cost: PasswordCost): Promise<void> {
  const salt = bytes.subarray(SECRET_OFFSET.salt, SECRET_OFFSET.opsLimit)
  const stream = await derive(Buffer.from(password), salt, scryptParameters(cost))
  for (const [at, byte] of stream.entries()) bytes[SECRET_OFFSET.keyId + at]! ^= byte
  stream.fill(0)
}

function derive(password: Buffer, salt: Uint8Array, { N, r, p }: ScryptParameters): Promise<Buffer> {
  const maxmem = 128 * r * (N + p + 2) + 65_536
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  try {
    scrypt(password, salt, HIDDEN_BYTES, { N, r, p, maxmem }, (error, key) => {
      password.fill(0)
      if (error === null) resolve(key)
      else reject(tooDear(maxmem, error))
    })
  } catch (error) {
    reject(tooDear(maxmem, error))
  }
  return promise
}

const tooDear = (bytes: number, cause: unknown): MinisignError =>
  new MinisignError(
    `secret key: its password needs ${Math.ceil(bytes / 2 ** 20)} MiB of memory, which this process did not get; open it on a machine that has them`,
    { cause }
  )

/** BLAKE2b-256 over algorithm, key id and secret key. */
function checksumOf(bytes: Buffer): Uint8Array {
  const said = Buffer.concat([
    bytes.subarray(0, SECRET_OFFSET.kdf),
    bytes.subarray(SECRET_OFFSET.keyId, SECRET_OFFSET.checksum)
  ])
  const checksum = blake2b(said, { dkLen: SECRET_OFFSET.end - SECRET_OFFSET.checksum })
  said.fill(0)
  return checksum
}
