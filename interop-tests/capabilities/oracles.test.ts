import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import test, { before, describe } from 'node:test'
import { nodeMacaroonCrypto as crypto } from 'omnigate'
import {
  OapError,
  attenuate,
  attenuateByThirdParty,
  bindForRequest,
  caveatText,
  chainKey,
  decodeToken,
  discharge,
  encodeIdentifier,
  encodeToken,
  mint,
  refusalOf,
  verifyToken
} from 'omnigate/protocols'
import type {
  CapabilityUse,
  Caveat,
  Macaroon,
  ThirdParty,
  VerifiedToken,
  Verifying
} from 'omnigate/protocols'
import { ORACLES, ask, isMissing, prepare } from './oracle.ts'
import type { Oracle } from './oracle.ts'

const HUB = `h1${'a'.repeat(52)}`
const PEER = '12D3KooWGRUVh6wVnT6uyUCKmvLmTq7HGyrTHPFMFMVNWXQtSPrJ'
const EXPIRES = 1_800_000_000
const rootKey = randomBytes(32)
const party: ThirdParty = {
  location: 'https://elsewhere.example',
  identifier: randomBytes(40),
  rootKey: randomBytes(32)
}

const verifying: Verifying = {
  crypto,
  hub: HUB,
  keys: { current: 1, chainKey: kid => (kid === 1 ? chainKey(crypto, rootKey) : undefined) }
}
const named = {
  capId: '000102030405060708090a0b0c0d0e0f',
  kid: 1,
  tenant: '01020304-0506-0708-090a-0b0c0d0e0f10',
  subject: 'agent-7',
  iat: EXPIRES - 900
}
const ends: Caveat = { key: 'expires', value: EXPIRES }
const FIVE: readonly Caveat[] = [
  ends,
  { key: 'verb', value: ['mailbox:send', 'mailbox:recv'] },
  { key: 'topic', value: ['dispatch/*', 'ams/**'] },
  { key: 'peer', value: PEER },
  { key: 'rate', value: 50 }
]
const NARROWER: readonly Caveat[] = [
  { key: 'verb', value: ['mailbox:send'] },
  { key: 'read-only', value: true }
]
const use: CapabilityUse = {
  verb: 'mailbox:send',
  app: 0x0201,
  topic: 'dispatch/SF',
  bytes: 0,
  writes: false,
  tenantId: undefined,
  peer: PEER,
  hub: HUB,
  now: EXPIRES - 600
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const toHex = (macaroon: Macaroon): string => hex(encodeToken({ macaroon, discharges: [] }))
const fromHex = (text: unknown): Macaroon => decodeToken(Buffer.from(String(text), 'hex')).macaroon
const texts = (caveats: readonly Caveat[]): string[] => caveats.map(caveat => caveatText(caveat))

const ours = (): Macaroon =>
  mint(crypto, { ...named, hub: HUB, key: chainKey(crypto, rootKey), caveats: FIVE })
const proved = (...parts: readonly Macaroon[]): VerifiedToken =>
  verifyToken(Buffer.concat(parts.map(part => Buffer.from(toHex(part), 'hex'))), verifying)

/** What their questions have in common. */
const theirs = {
  key: hex(rootKey),
  identifier: hex(encodeIdentifier(named)),
  location: HUB
}
const theirParty = { key: hex(party.rootKey), identifier: hex(party.identifier), location: party.location! }

for (const oracle of ORACLES) {
  describe(oracle.name, { skip: isMissing(oracle) ?? false }, () => {
    before(() => prepare(oracle))
    const one = (question: Parameters<typeof ask>[1][0]) => ask(oracle, [question])[0]

    test('proves what we mint and narrow, and shows the caveats that we wrote', () => {
      const narrowed = attenuate(crypto, ours(), NARROWER)

      const seen = one({ ask: 'verify', key: theirs.key, macaroon: toHex(narrowed), discharges: [] })

      assert.deepEqual(seen, texts([...FIVE, ...NARROWER]))
    })

    test('refuses what we mint under another key, and what is ours with a caveat less', () => {
      const { caveats, ...rest } = ours()
      const widened = toHex({ ...rest, caveats: caveats.slice(0, -1) })

      const seen = ask(oracle, [
        { ask: 'verify', key: hex(randomBytes(32)), macaroon: toHex(ours()), discharges: [] },
        { ask: 'verify', key: theirs.key, macaroon: widened, discharges: [] }
      ])

      assert.deepEqual(seen, [null, null])
    })

    test('mints and narrows what we prove and judge', () => {
      const minted = one({ ask: 'mint', ...theirs, caveats: texts(FIVE) })
      const narrowed = one({ ask: 'narrow', macaroon: String(minted), caveats: texts(NARROWER) })

      const token = proved(fromHex(narrowed))

      assert.deepEqual(token.caveats, [...FIVE, ...NARROWER])
      assert.equal(refusalOf(token, use), undefined)
      assert.equal(refusalOf(token, { ...use, verb: 'mailbox:recv' })?.reason, 'verb')
      assert.equal(refusalOf(token, { ...use, writes: true })?.reason, 'read-only')
      assert.equal(refusalOf(proved(fromHex(minted)), { ...use, writes: true }), undefined)
    })

    test('writes the same bytes that we write', () => {
      const minted = one({ ask: 'mint', ...theirs, caveats: texts(FIVE) })
      const narrowed = one({ ask: 'narrow', macaroon: toHex(ours()), caveats: texts(NARROWER) })

      assert.equal(minted, toHex(ours()))
      assert.equal(narrowed, toHex(attenuate(crypto, ours(), NARROWER)))
    })

    test('narrows what we minted, and we narrow what it minted', () => {
      const byThem = one({ ask: 'narrow', macaroon: toHex(ours()), caveats: texts(NARROWER) })
      const byUs = attenuate(crypto, fromHex(one({ ask: 'mint', ...theirs, caveats: texts(FIVE) })), NARROWER)

      const seen = one({ ask: 'verify', key: theirs.key, macaroon: toHex(byUs), discharges: [] })

      assert.deepEqual(proved(fromHex(byThem)).caveats, [...FIVE, ...NARROWER])
      assert.deepEqual(seen, texts([...FIVE, ...NARROWER]))
    })

    test('cannot narrow with a caveat that we do not know without losing every call', () => {
      const strange = one({ ask: 'narrow', macaroon: toHex(ours()), caveats: ['color = red'] })

      assert.equal(refusalOf(proved(fromHex(strange)), use)?.reason, 'color')
    })

    test('proves our third-party caveat with our discharge, and not without or unbound', () => {
      const asked = attenuateByThirdParty(crypto, ours(), party)
      const word = discharge(crypto, party, [{ key: 'streams', value: 2 }])
      const { discharges } = bindForRequest(crypto, asked, [word])
      const verify = { ask: 'verify', key: theirs.key, macaroon: toHex(asked) } as const

      const seen = ask(oracle, [
        { ...verify, discharges: discharges.map(toHex) },
        { ...verify, discharges: [] },
        { ...verify, discharges: [toHex(word)] }
      ])

      assert.deepEqual(new Set(seen[0]), new Set([...texts(FIVE), 'streams <= 2']))
      assert.deepEqual(seen.slice(1), [null, null])
    })

    test('makes third-party caveats and discharges that we prove, and not unbound', () => {
      const asked = one({ ask: 'mint', ...theirs, caveats: texts(FIVE), party: theirParty })
      const word = one({ ask: 'mint', ...theirParty, caveats: ['streams <= 2'] })
      const bound = one({ ask: 'bind', macaroon: String(asked), discharge: String(word) })

      const token = proved(fromHex(asked), fromHex(bound))

      assert.deepEqual(texts(token.caveats), [...texts(FIVE), 'streams <= 2'])
      assert.equal(token.limits.streams[0]?.most, 2)
      assert.equal(refusedAs(fromHex(asked)), 'discharge')
      assert.equal(refusedAs(fromHex(asked), fromHex(word)), 'discharge')
    })

    test('discharges our caveat, and we discharge its', () => {
      const weAsk = attenuateByThirdParty(crypto, ours(), party)
      const theyAsk = fromHex(one({ ask: 'narrow', macaroon: toHex(ours()), party: theirParty }))
      const theirWord = one({ ask: 'mint', ...theirParty })
      const theyBind = fromHex(one({ ask: 'bind', macaroon: toHex(weAsk), discharge: String(theirWord) }))
      const weBind = bindForRequest(crypto, theyAsk, [discharge(crypto, party)]).discharges

      const seen = one({
        ask: 'verify',
        key: theirs.key,
        macaroon: toHex(theyAsk),
        discharges: weBind.map(toHex)
      })

      assert.equal(refusalOf(proved(weAsk, theyBind), use), undefined)
      assert.deepEqual(seen, texts(FIVE))
    })

    test('agrees with the vectors about every signature', () => {
      const { valid, refused } = signatureVectors()

      assert.deepEqual(
        judged(oracle, valid).filter(([, seen]) => seen === null),
        []
      )
      assert.deepEqual(
        judged(oracle, refused).filter(([, seen]) => seen !== null),
        []
      )
    })
  })
}

function refusedAs(...parts: readonly Macaroon[]): string | undefined {
  try {
    proved(...parts)
    return undefined
  } catch (error) {
    assert.ok(error instanceof OapError)
    return error.reason
  }
}

interface SignatureVector {
  readonly name: string
  readonly key: string
  readonly bytes: string
}

/** The vectors that a library without our language can judge: valid tokens, and those whose signature is wrong. */
function signatureVectors(): { valid: SignatureVector[]; refused: SignatureVector[] } {
  const file = new URL('../../specs/vectors/capabilities.json', import.meta.url)
  const { root_keys: keys, valid, invalid } = JSON.parse(readFileSync(file, 'utf8'))
  const withKey = ({ name, bytes, identifier }: Record<string, any>): SignatureVector => ({
    name,
    bytes,
    key: keys[identifier?.kid ?? 3]
  })
  const wrong = invalid.filter(({ detail }: { detail: string }) => detail === 'signature')
  assert.ok(valid.length >= 10 && wrong.length >= 6)
  return { valid: valid.map(withKey), refused: wrong.map(withKey) }
}

function judged(oracle: Oracle, vectors: readonly SignatureVector[]): (readonly [string, unknown])[] {
  const questions = vectors.map(({ key, bytes }) => {
    const { macaroon, discharges } = decodeToken(Buffer.from(bytes, 'hex'))
    return { ask: 'verify', key, macaroon: toHex(macaroon), discharges: discharges.map(toHex) } as const
  })
  return ask(oracle, questions).map((seen, i) => [vectors[i]!.name, seen])
}
