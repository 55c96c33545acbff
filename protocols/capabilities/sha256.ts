const BLOCK_BYTES = 64
const HASH_BYTES = 32
const MASK = 0xffff_ffffn

interface Constants {
  readonly start: Uint32Array
  readonly rounds: Uint32Array
}

let known: Constants | undefined

/** FIPS 180-4: the first 32 bits behind the point of roots of the first primes, square for 8 and cube for 64. */
function constants(): Constants {
  if (known !== undefined) return known
  const primes: bigint[] = []
  for (let n = 2n; primes.length < 64; n++) if (primes.every(prime => n % prime !== 0n)) primes.push(n)
  known = {
    start: Uint32Array.from(primes.slice(0, 8), prime => Number(root(prime << 64n, 2) & MASK)),
    rounds: Uint32Array.from(primes, prime => Number(root(prime << 96n, 3) & MASK))
  }
  return known
}

/** The largest whole number whose power is at most `of`. */
function root(of: bigint, power: 2 | 3): bigint {
  let low = 0n
  let high = 1n << 40n
  while (high - low > 1n) {
    const middle = (low + high) >> 1n
    if (middle ** BigInt(power) <= of) low = middle
    else high = middle
  }
  return low
}

const turned = (word: number, by: number): number => (word >>> by) | (word << (32 - by))

/** SHA-256 where no platform brings one that answers at once. */
export function sha256(bytes: Uint8Array): Uint8Array {
  const { start, rounds } = constants()
  const padded = new Uint8Array((Math.floor((bytes.length + 8) / BLOCK_BYTES) + 1) * BLOCK_BYTES)
  padded.set(bytes)
  padded[bytes.length] = 0x80
  const view = new DataView(padded.buffer)
  view.setBigUint64(padded.length - 8, BigInt(bytes.length) * 8n)
  const state = start.slice()
  const words = new Uint32Array(64)
  for (let at = 0; at < padded.length; at += BLOCK_BYTES) {
    for (let i = 0; i < 16; i++) words[i] = view.getUint32(at + 4 * i)
    compress(state, words, rounds)
  }
  const hash = new Uint8Array(HASH_BYTES)
  const out = new DataView(hash.buffer)
  for (let i = 0; i < 8; i++) out.setUint32(4 * i, state[i]!)
  return hash
}

function compress(state: Uint32Array, words: Uint32Array, rounds: Uint32Array): void {
  for (let i = 16; i < 64; i++) {
    const [w2, w15] = [words[i - 2]!, words[i - 15]!]
    const s0 = turned(w15, 7) ^ turned(w15, 18) ^ (w15 >>> 3)
    const s1 = turned(w2, 17) ^ turned(w2, 19) ^ (w2 >>> 10)
    words[i] = words[i - 16]! + s0 + words[i - 7]! + s1
  }
  let [a, b, c, d, e, f, g, h] = state as unknown as number[] as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number
  ]
  for (let i = 0; i < 64; i++) {
    const s1 = turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)
    const one = (h + s1 + ((e & f) ^ (~e & g)) + rounds[i]! + words[i]!) | 0
    const s0 = turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)
    const two = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0
    h = g
    g = f
    f = e
    e = (d + one) | 0
    d = c
    c = b
    b = a
    a = (one + two) | 0
  }
  const added = [a, b, c, d, e, f, g, h]
  for (let i = 0; i < 8; i++) state[i] = state[i]! + added[i]!
}

/** HMAC with SHA-256 (RFC 2104). */
export function hmacSha256(key: Uint8Array, message: Uint8Array): Uint8Array {
  const short = key.length > BLOCK_BYTES ? sha256(key) : key
  return sha256(behind(short, 0x5c, sha256(behind(short, 0x36, message))))
}

/** The key laid over a block of `pad`, and the message behind it. */
function behind(key: Uint8Array, pad: number, message: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(BLOCK_BYTES + message.length).fill(pad, 0, BLOCK_BYTES)
  for (let i = 0; i < key.length; i++) bytes[i] = key[i]! ^ pad
  bytes.set(message, BLOCK_BYTES)
  return bytes
}
