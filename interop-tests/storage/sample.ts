import { hash } from 'node:crypto'

/** The bytes that the Go peer makes of a seed: SHA-256 of the seed and a counter, one after the other. */
export function sample(seed: string, length: number): Buffer {
  const blocks: Buffer[] = []
  for (let n = 0; n * 32 < length; n++) blocks.push(hash('sha256', `${seed} ${n}`, 'buffer'))
  return Buffer.concat(blocks).subarray(0, length)
}
