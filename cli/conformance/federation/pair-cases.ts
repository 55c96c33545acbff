import { createHash } from 'node:crypto'
import type { Step } from '../vectors.ts'
import { UNKNOWN } from './federation-case.ts'
import type { FederationCase } from './federation-case.ts'
import { Talk, hex, refused } from './talk.ts'
import type { Parties } from './talk.ts'

/** A node looks at one `pair` a second; a busy machine may bring two closer together than they were sent. */
const APART_MS = 1500
const FAILURES_LEFT = 4
const FAILURES = 5

const SECRET_AT = 33
const SECRET_END = 49

/** K of federation-links.md, section 8.1, of an invite as text; undefined for what is none. */
export function inviteKey(code: string): Buffer | undefined {
  const bytes = Buffer.from(code, 'base64url')
  if (bytes[0] !== 1 || bytes.length <= SECRET_END) return undefined
  return createHash('sha256').update(bytes.subarray(SECRET_AT, SECRET_END)).digest()
}

/** On a connection of its own, since one is good for one handshake. */
const turn = (parties: Parties, key: Buffer, end: (talk: Talk) => Step): Step[] => {
  const talk = new Talk(parties)
  return [
    { wait_ms: APART_MS },
    { connect: true },
    talk.hello(),
    talk.challenged(),
    talk.proof(2, { pairing: key }),
    end(talk)
  ]
}

const wrong = (parties: Parties, times: number): Step[] =>
  Array.from({ length: times }, () => turn(parties, Buffer.from(hex(32), 'hex'), isRefused)).flat()

const isRefused = (): Step => refused(2, ...UNKNOWN)

/** What becomes of an open invite whose key is given: federation-links.md, section 8.2. */
export const pairCases = (key: Buffer): readonly FederationCase[] => [
  {
    id: 'handshake-pair-once',
    about:
      'four wrong secrets leave an invite open; the hub that knows it is paired, and nobody after it: 403 not_allowlisted',
    slow_ms: (FAILURES_LEFT + 2) * APART_MS,
    steps: parties => [
      ...wrong(parties, FAILURES_LEFT),
      ...turn(parties, key, talk => talk.linked(2)),
      ...turn(parties, key, isRefused)
    ]
  }
]

export const voidCases = (key: Buffer): readonly FederationCase[] => [
  {
    id: 'handshake-pair-five-failures',
    about: 'the fifth wrong secret makes an invite void: who knows it is 403 not_allowlisted then',
    slow_ms: (FAILURES + 1) * APART_MS,
    steps: parties => [...wrong(parties, FAILURES), ...turn(parties, key, isRefused)]
  }
]
