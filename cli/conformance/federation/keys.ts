import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { peerIdFromString } from '@libp2p/peer-id'

const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex')
const SPKI_HEAD = Buffer.from('302a300506032b6570032100', 'hex')
const LETTERS = 'abcdefghijklmnopqrstuvwxyz234567'

/** A hub that the runner speaks for. */
export interface RunnerHub {
  readonly id: string
  readonly key: KeyObject
}

export const runnerHub = (key: KeyObject): RunnerHub => ({ id: hubIdOf(publicBytes(key)), key })

/** A hub that no node has heard of. */
export const newHub = (): RunnerHub => runnerHub(generateKeyPairSync('ed25519').privateKey)

export const keyOfSeed = (seed: Uint8Array): KeyObject =>
  createPrivateKey({ key: Buffer.concat([PKCS8_HEAD, seed]), format: 'der', type: 'pkcs8' })

export const signed = (key: KeyObject, ...parts: readonly (string | Uint8Array)[]): Buffer =>
  sign(null, joined(parts), key)

/** Whether the holder of an Ed25519 public key signed the parts, one behind the other. */
export const isSigned = (
  publicKey: Uint8Array,
  signature: Uint8Array,
  ...parts: readonly (string | Uint8Array)[]
): boolean =>
  verify(
    null,
    joined(parts),
    createPublicKey({ key: Buffer.concat([SPKI_HEAD, publicKey]), format: 'der', type: 'spki' }),
    signature
  )

/** federation-links.md, section 2. */
export function hubIdOf(publicKey: Uint8Array): string {
  const bits = [...publicKey].map(byte => byte.toString(2).padStart(8, '0')).join('')
  const fives = bits.padEnd(260, '0').match(/.{5}/g)!
  return `h1${fives.map(five => LETTERS[Number.parseInt(five, 2)]).join('')}`
}

/** The public key of a hub id as a node writes it. */
export function hubKeyOf(id: string): Buffer {
  const bits = Array.from(id.slice(2), letter => LETTERS.indexOf(letter).toString(2).padStart(5, '0')).join(
    ''
  )
  const bytes = bits.slice(0, 256).match(/.{8}/g) ?? []
  return Buffer.from(bytes.map(byte => Number.parseInt(byte, 2)))
}

/** The public key in a peer id; empty for one of another kind of key. */
export const peerKeyOf = (peerId: string): Uint8Array =>
  peerIdFromString(peerId).publicKey?.raw ?? new Uint8Array(0)

export const publicBytes = (key: KeyObject): Buffer =>
  createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(SPKI_HEAD.length)

const joined = (parts: readonly (string | Uint8Array)[]): Buffer =>
  Buffer.concat(parts.map(part => Buffer.from(part as Uint8Array)))
