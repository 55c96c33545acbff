import { createHash } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { decodeRecord, parseJson } from '../../../protocols/index.ts'
import type { DecodedFrame } from '../../../specs/index.ts'
import type { Step } from '../vectors.ts'
import { canonical } from './canonical.ts'
import { signedValue } from './home-list.ts'
import { isSigned, keyOfSeed, publicBytes, signed } from './keys.ts'
import type { RunnerHub } from './keys.ts'
import { call, corrOf, textIn } from './talk.ts'

type Members = Readonly<Record<string, unknown>>

const MADE_AT = 1_700_000_000
const LATEST = 8_640_000_000_000

/** A key that the runner's hub delegated to, the same in every run, and when it may sign. */
export interface RunnerKey {
  readonly key: KeyObject
  readonly hex: string
  /** The line by which the hub delegates to it. */
  readonly line: string
}

/** Derived from the hub key: a node keeps each delegation that it has heard of, so they are always the same few. */
export function runnerKey(hub: RunnerHub, role: string, node: string, until = LATEST): RunnerKey {
  const key = derivedKey(hub, `${role}/${node}`)
  const hex = publicBytes(key).toString('hex')
  const statement = {
    epoch: 1,
    hub: hub.id,
    key: hex,
    node,
    not_after: until,
    not_before: MADE_AT,
    role
  }
  return { key, hex, line: canonical(signedValue(hub.key, 'omnigate/delegation/1', statement)) }
}

export const derivedKey = (hub: RunnerHub, name: string): KeyObject =>
  keyOfSeed(sha256(signed(hub.key, `omnigate/conformance-key/1\n${name}`)))

/** The line by which the runner's hub revokes one of its keys. */
export function revokedKeyLine(hub: RunnerHub, hex: string): string {
  const statement = { at: MADE_AT, hub: hub.id, key: hex, reason: 'conformance' }
  return canonical(signedValue(hub.key, 'omnigate/key-revocation/1', statement))
}

export const sha256 = (bytes: string | Uint8Array): Buffer => createHash('sha256').update(bytes).digest()

export const sha256Hex = (bytes: string | Uint8Array): string => sha256(bytes).toString('hex')

/** A signed statement as its line. */
export const signedLine = (key: KeyObject, tag: string, statement: Members): string =>
  canonical(signedValue(key, tag, statement))

export const payloadOf = (frames: readonly DecodedFrame[]): Buffer =>
  Buffer.concat(frames.map(({ payload }) => payload))

/** What the node's hub key has signed about keys, as the node tells it. */
export class TheirKeys {
  #statements: readonly Members[] = []

  /** Asks for the first page, which has the newest key of each role. */
  asked(n: number): Step[] {
    return [
      { send: call(n, { op: 'keys', from: 0 }) },
      {
        expect_such: {
          corr_id: corrOf(n),
          words: 'lines about keys',
          fault: frames => {
            const { body } = decodeRecord(payloadOf(frames))
            const lines = Buffer.from(body).toString().split('\n').slice(0, -1)
            this.#statements = lines.map(line => parseJson(Buffer.from(line))['statement'] as Members)
            return undefined
          }
        }
      }
    ]
  }

  /** The public keys of a role. */
  of(role: string): readonly Buffer[] {
    return this.#statements
      .filter(statement => statement['role'] === role)
      .map(statement => Buffer.from(textIn(statement, 'key'), 'hex'))
  }

  /** What is wrong with the line of a statement that the node's hub is to have signed in a role. */
  lineFault(
    line: string,
    { tag, role, hub }: { tag: string; role: string; hub: string }
  ): string | undefined {
    const value = parseJson(Buffer.from(line))
    const { signature, statement } = value as { signature: string; statement: Members }
    if (canonical(value) !== line) return 'a line that is not canonical'
    if (statement['hub'] !== hub) return `hub: ${JSON.stringify(statement['hub'])}`
    const key = this.of(role).find(one => one.toString('hex') === statement['key'])
    if (key === undefined) return `a key that is not one of the role ${role}`
    const bytes = Buffer.from(signature, 'base64')
    return isSigned(key, bytes, `${tag}\n`, canonical(statement))
      ? undefined
      : 'a signature that does not fit'
  }
}
