import { createHash } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { canonical } from './canonical.ts'
import { keyOfSeed, publicBytes, signed } from './keys.ts'
import type { RunnerHub } from './keys.ts'

const EPOCH = 1
const MADE_AT = 1_700_000_000
const LATEST = 8_640_000_000_000
const NOTHING_BEFORE = '0'.repeat(64)

/** Other cases show rights under root keys with small numbers. */
const FIRST_KID = 1_000_000

/** By what a right can be taken back. */
export interface Right {
  readonly cap_id: string
  readonly kid: number
  readonly subject: string
}

type Members = Readonly<Record<string, unknown>>

/** How a head is to be wrong. */
export interface HeadChange {
  readonly statement?: Members
  /** Signs in the place of the key of the list. */
  readonly signing?: KeyObject
}

/**
 * What the runner's hub has revoked. A node keeps what it has taken of it, so the list is the same in every run: its key
 * follows from the hub key, its times are fixed, and each statement takes back the next of a row that never changes: of
 * three in a row one is a right, one a root key and one a subject.
 * @see specs/revocation.md, section 3
 */
export class HomeList {
  readonly #hub: RunnerHub
  readonly #key: KeyObject
  readonly #keyHex: string
  readonly #lines: string[] = []

  constructor(hub: RunnerHub) {
    this.#hub = hub
    const drawn = signed(hub.key, 'omnigate/conformance-revocations/1\n')
    this.#key = keyOfSeed(createHash('sha256').update(drawn).digest())
    this.#keyHex = publicBytes(this.#key).toString('hex')
  }

  /** What the statement with this `seq` takes back. */
  static taken(seq: number): Partial<Right> {
    if (seq % 3 === 0) return { kid: FIRST_KID + seq }
    if (seq % 3 === 1) return { subject: `conformance-${seq}` }
    return { cap_id: createHash('sha256').update(`conformance right ${seq}`).digest('hex').slice(0, 32) }
  }

  /** What three statements from `seq` on take back. */
  static three(seq: number): Right {
    return { ...HomeList.taken(seq), ...HomeList.taken(seq + 1), ...HomeList.taken(seq + 2) } as Right
  }

  /** The statements behind `from` up to `to`, as they stand in the body of `revoked`. */
  statements(from: number, to: number): unknown[] {
    this.#extend(to)
    return this.#lines.slice(from, to).map(line => JSON.parse(line) as unknown)
  }

  delegation(): unknown {
    const statement = {
      epoch: EPOCH,
      hub: this.#hub.id,
      key: this.#keyHex,
      node: 'conformance',
      not_after: LATEST,
      not_before: 1,
      role: 'revocation'
    }
    return signedValue(this.#hub.key, 'omnigate/delegation/1', statement)
  }

  /** That the list ends with the statement `seq`, said at a time in Unix seconds. */
  head(seq: number, at: number, { statement: changes = {}, signing = this.#key }: HeadChange = {}): unknown {
    const statement = {
      at,
      digest: this.#digest(seq),
      epoch: EPOCH,
      hub: this.#hub.id,
      key: this.#keyHex,
      seq,
      ...changes
    }
    return signedValue(signing, 'omnigate/revocation-head/1', statement)
  }

  #digest(seq: number): string {
    this.#extend(seq)
    const line = this.#lines[seq - 1]
    return line === undefined ? NOTHING_BEFORE : createHash('sha256').update(line).digest('hex')
  }

  #extend(to: number): void {
    while (this.#lines.length < to) {
      const seq = this.#lines.length + 1
      const statement = {
        at: MADE_AT,
        epoch: EPOCH,
        hub: this.#hub.id,
        key: this.#keyHex,
        prev: this.#digest(seq - 1),
        reason: 'conformance',
        revoke: HomeList.taken(seq),
        seq
      }
      this.#lines.push(canonical(signedValue(this.#key, 'omnigate/revocation/1', statement)))
    }
  }
}

/** A statement with its signature. */
export const signedValue = (key: KeyObject, tag: string, statement: Members): Members => ({
  signature: signed(key, `${tag}\n`, canonical(statement)).toString('base64'),
  statement
})
