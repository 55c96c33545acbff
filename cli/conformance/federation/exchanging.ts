import type { KeyObject } from 'node:crypto'
import { capabilitiesService, decodeRecord, decodeToken, parseJson } from '../../../protocols/index.ts'
import type { DecodedFrame, VectorFrame } from '../../../specs/index.ts'
import type { Step } from '../vectors.ts'
import { askedFrame } from './asked.ts'
import { canonical } from './canonical.ts'
import type { OpenShare } from './grant-cases.ts'
import { HomeList, signedValue } from './home-list.ts'
import type { HeadChange, Right } from './home-list.ts'
import { peerKeyOf } from './keys.ts'
import { Talk, answered, corrOf, hex } from './talk.ts'
import type { Parties } from './talk.ts'

export const CAPABILITIES_APP = capabilitiesService.app
/** A node looks at five statements a second of one hub; so far apart, all cases together stay below that. */
const PACE_MS = 220
const LIFE_S = 600
/** One of each kind. */
const REVOKED_AT_ONCE = 3

type Members = Readonly<Record<string, unknown>>

/** How a statement is to be wrong. */
export interface StatementChange {
  readonly statement?: Members
  /** Signs in the place of the runner's node. */
  readonly signing?: KeyObject
  /** Other text in the place of the line. */
  readonly line?: (line: string) => string
}

/** What `revoked` says, beside the delegation of its list. */
export interface News {
  readonly statements?: readonly unknown[]
  readonly head?: unknown
}

export const nowS = (): number => Math.floor(Date.now() / 1000)

/**
 * A link of the runner's hub over which it vouches for an agent of its own, and says what it has revoked. Everything is
 * made when it is sent: a run takes longer than a statement is taken.
 * @see specs/federation-links.md, section 12
 */
export class Exchanging {
  readonly talk: Talk
  readonly #parties: Parties
  readonly #share: OpenShare
  readonly #list: HomeList
  /** How far the node follows the list. */
  #followed = 0
  #token = Buffer.alloc(0)

  constructor(parties: Parties, share: OpenShare, talk = new Talk(parties)) {
    this.#parties = parties
    this.#share = share
    this.#list = new HomeList(parties.hub)
    this.talk = talk
  }

  /** The last token that was given out, in hex. */
  get token(): string {
    return this.#token.toString('hex')
  }

  /** What the runner's hub has not taken back, and takes back next. */
  get next(): Right {
    return HomeList.three(this.#followed + 1)
  }

  /** What it took back last. */
  get last(): Right {
    return HomeList.three(this.#followed + 1 - REVOKED_AT_ONCE)
  }

  /** So many statements that come next in the list. */
  upcoming(count: number): readonly unknown[] {
    return this.#list.statements(this.#followed, this.#followed + count)
  }

  /** The link, over calls 1 and 2, and how far the node follows, over call 3. */
  linked(): Step[] {
    return [
      ...this.talk.all(),
      this.told(3),
      {
        expect_such: {
          corr_id: corrOf(3),
          words: 'up to where it follows the list',
          fault: ([frame]) => {
            const { seq } = parseJson(frame!.payload)
            if (!Number.isSafeInteger(seq)) return String(frame!.payload)
            this.#followed = Number(seq)
            return undefined
          }
        }
      }
    ]
  }

  /** The same with a head that is good, over call 4. */
  heard(): Step[] {
    return [...this.linked(), this.told(4, () => ({ head: this.head(nowS()) })), answered(4)]
  }

  /** Where the list stands as the node follows it. */
  head(at: number, change?: HeadChange): unknown {
    return this.#list.head(this.#followed, at, change)
  }

  told(n: number, news: () => News = () => ({})): Step {
    const body = () => ({ delegations: [this.#list.delegation()], statements: [], ...news() })
    return { send_after: () => revokedFrame(n, Buffer.from(JSON.stringify(body()))) }
  }

  /** Takes back the next right, root key and subject, and says so. */
  revokes(n: number): Step[] {
    const news = (): News => {
      const from = this.#followed
      this.#followed += REVOKED_AT_ONCE
      return { statements: this.#list.statements(from, this.#followed), head: this.head(nowS()) }
    }
    return [
      this.told(n, news),
      {
        expect_such: {
          corr_id: corrOf(n),
          words: 'that it follows to the newest statement',
          fault: ([frame]) =>
            parseJson(frame!.payload)['seq'] === this.#followed ? undefined : String(frame!.payload)
        }
      }
    ]
  }

  /** A statement, no sooner than a node has to look at it. */
  exchange(n: number, change: () => StatementChange = () => ({})): Step[] {
    return [{ wait_ms: PACE_MS }, { send_after: () => exchangeFrame(n, this.line(change())) }]
  }

  /** The token that is given out, of which `fault` sees the caveats as they stand in it. */
  given(n: number, fault: (caveats: readonly string[]) => string | undefined = () => undefined): Step {
    const words = 'a token with its facts'
    return {
      expect_such: {
        corr_id: corrOf(n),
        words,
        fault: frames => this.#take(frames) ?? fault(this.#caveats())
      }
    }
  }

  #take(frames: readonly DecodedFrame[]): string | undefined {
    const { header, body } = decodeRecord(Buffer.concat(frames.map(({ payload }) => payload)))
    const { cap_id: capId, kid, expires, addresses } = header
    this.#token = Buffer.from(body)
    const isWhole =
      typeof capId === 'string' &&
      /^[0-9a-f]{32}$/.test(capId) &&
      Number.isSafeInteger(kid) &&
      typeof expires === 'number' &&
      Array.isArray(addresses) &&
      addresses.length <= 16
    if (!isWhole) return `another header: ${JSON.stringify(header)}`
    return this.#caveats().at(-1) === `expires < ${expires}` ? undefined : 'another end in the token'
  }

  #caveats(): string[] {
    const { macaroon } = decodeToken(this.#token)
    return macaroon.caveats.map(({ identifier }) => Buffer.from(identifier).toString('latin1'))
  }

  /** The line of a statement for a new right. */
  line({ statement: changes, signing, line: change = line => line }: StatementChange = {}): Buffer {
    const { self, key, hub } = this.#parties
    const statement = {
      at: nowS(),
      audience: this.talk.theirHub,
      cap_id: hex(16),
      epoch: 1,
      expires: nowS() + LIFE_S,
      hub: hub.id,
      key: Buffer.from(peerKeyOf(self)).toString('hex'),
      kid: 1,
      nonce: hex(16),
      peer: self,
      share: this.#share.id,
      topics: [`${this.#share.prefix}**`],
      verbs: ['mailbox:send'],
      ...changes
    }
    return Buffer.from(change(canonical(signedValue(signing ?? key, 'omnigate/cap-exchange/1', statement))))
  }
}

export const exchangeFrame = (n: number, line: Uint8Array): VectorFrame =>
  askedFrame(n, CAPABILITIES_APP, { op: 'exchange' }, {}, Buffer.from(line).toString('hex'))

export const revokedFrame = (n: number, body: Uint8Array): VectorFrame =>
  askedFrame(n, CAPABILITIES_APP, { op: 'revoked' }, {}, Buffer.from(body).toString('hex'))
