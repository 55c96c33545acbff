import type { Random } from './random.ts'

/** What a mutation may draw on besides the bytes themselves. */
export interface Surroundings {
  readonly random: Random
  /** Another input of the corpus. */
  readonly other: Uint8Array
  readonly dictionary: readonly Uint8Array[]
}

/** New bytes made of `bytes`, which stay as they are. */
export type Mutation = (bytes: Uint8Array, around: Surroundings) => Uint8Array

const EDGY_BYTES = [0x00, 0x01, 0x02, 0x10, 0x20, 0x21, 0x7f, 0x80, 0xfe, 0xff]
const EDGY_U16 = [0, 1, 0xff, 0x100, 0x7fff, 0x8000, 0xffff]
const EDGY_U32 = [0, 1, 32, 33, 34, 0xffff, 0x10000, 0x100000, 0x100001, 0x7fffffff, 0x80000000, 0xffffffff]
const LONGEST_REPEAT = 20

export const joined = (...parts: readonly Uint8Array[]): Uint8Array => {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

/** `bytes` with what lies from `from` to `to` replaced. */
export const spliced = (bytes: Uint8Array, from: number, to: number, middle: Uint8Array): Uint8Array =>
  joined(bytes.subarray(0, from), middle, bytes.subarray(to))

const changed = (bytes: Uint8Array, change: (copy: Uint8Array) => void): Uint8Array => {
  const copy = bytes.slice()
  if (copy.length > 0) change(copy)
  return copy
}

function range(length: number, random: Random): [number, number] {
  const from = random.below(length + 1)
  const most = random.once(4) ? length - from : Math.min(16, length - from)
  return [from, from + random.below(most + 1)]
}

const little = (value: number, width: number): Uint8Array =>
  Uint8Array.from({ length: width }, (_, i) => value >>> (8 * i))

/** Mutations that know nothing of what the bytes mean. */
export const BYTE_MUTATIONS: Readonly<Record<string, Mutation>> = {
  flipBit: (bytes, { random }) =>
    changed(bytes, copy => (copy[random.below(copy.length)]! ^= 1 << random.below(8))),
  setByte: (bytes, { random }) =>
    changed(bytes, copy => (copy[random.below(copy.length)] = random.below(256))),
  edgyByte: (bytes, { random }) =>
    changed(bytes, copy => (copy[random.below(copy.length)] = random.pick(EDGY_BYTES))),
  addToByte: (bytes, { random }) =>
    changed(bytes, copy => (copy[random.below(copy.length)]! += random.below(33) - 16)),
  edgyU16: (bytes, { random }) => {
    const at = random.below(bytes.length - 1)
    return bytes.length < 2 ? bytes : spliced(bytes, at, at + 2, little(random.pick(EDGY_U16), 2))
  },
  edgyU32: (bytes, { random }) => {
    const at = random.below(bytes.length - 3)
    return bytes.length < 4 ? bytes : spliced(bytes, at, at + 4, little(random.pick(EDGY_U32), 4))
  },
  insertBytes: (bytes, { random }) => {
    const at = random.below(bytes.length + 1)
    return spliced(bytes, at, at, new Uint8Array(1 + random.below(8)).fill(random.below(256)))
  },
  remove: (bytes, { random }) => spliced(bytes, ...range(bytes.length, random), new Uint8Array(0)),
  truncate: (bytes, { random }) => bytes.slice(0, random.below(bytes.length + 1)),
  copyWithin: (bytes, { random }) => {
    const [from, to] = range(bytes.length, random)
    const at = random.below(bytes.length + 1)
    return spliced(bytes, at, at, bytes.subarray(from, to))
  },
  repeat: (bytes, { random }) => {
    const [from, to] = range(bytes.length, random)
    const times = 1 + random.below(LONGEST_REPEAT)
    return spliced(bytes, to, to, joined(...Array<Uint8Array>(times).fill(bytes.subarray(from, to))))
  },
  insertToken: (bytes, { random, dictionary }) => {
    const at = random.below(bytes.length + 1)
    return dictionary.length === 0 ? bytes : spliced(bytes, at, at, random.pick(dictionary))
  },
  overwriteToken: (bytes, { random, dictionary }) => {
    if (dictionary.length === 0) return bytes
    const token = random.pick(dictionary)
    const at = random.below(Math.max(1, bytes.length - token.length + 1))
    return spliced(bytes, at, Math.min(bytes.length, at + token.length), token)
  },
  insertOther: (bytes, { random, other }) => {
    const [from, to] = range(other.length, random)
    const at = random.below(bytes.length + 1)
    return spliced(bytes, at, at, other.subarray(from, to))
  },
  crossOver: (bytes, { random, other }) =>
    joined(bytes.subarray(0, random.below(bytes.length + 1)), other.subarray(random.below(other.length + 1)))
}

/** How many mutations make one input: mostly one, so that what was won is seldom lost again. */
const STACK = [1, 1, 1, 1, 2, 2, 3, 6]

/** One new input: a few of `mutations` one after the other, at most `maxBytes` long. */
export function mutated(
  bytes: Uint8Array,
  mutations: readonly Mutation[],
  around: Surroundings,
  maxBytes: number
): Uint8Array {
  const { random } = around
  let result = bytes
  for (let left = random.pick(STACK); left > 0; left--) result = random.pick(mutations)(result, around)
  return result.length > maxBytes ? result.slice(0, maxBytes) : result
}
