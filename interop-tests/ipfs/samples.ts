import { hash } from 'node:crypto'

export const MIB = 1_048_576

/** Bytes that no other seed gives, the same each time. */
export function sample(seed: string, length: number): Buffer {
  const bytes = Buffer.alloc(length)
  for (let at = 0; at < length; at += 32) hash('sha256', `${seed}/${at}`, 'buffer').copy(bytes, at)
  return bytes
}

export const sha256 = (bytes: Uint8Array): string => hash('sha256', bytes)

/** Blobs of one leaf, of two levels by either profile, of repeated leaves, and of three levels. */
export const SAMPLES: readonly (readonly [
  what: string,
  bytes: () => Buffer,
  profile: 'omnigate-v1' | 'unixfs-v1-2025'
])[] = [
  ['no bytes', () => Buffer.alloc(0), 'omnigate-v1'],
  ['one leaf', () => sample('leaf', 1000), 'omnigate-v1'],
  ['5 MiB and one byte', () => sample('some', 5 * MIB + 1), 'omnigate-v1'],
  ['5 MiB of leaves of 1 MiB', () => sample('large', 5 * MIB), 'unixfs-v1-2025'],
  ['zeroes', () => Buffer.alloc(3 * MIB), 'omnigate-v1'],
  ['66 MiB on three levels', () => sample('deep', 66 * MIB), 'omnigate-v1']
]
