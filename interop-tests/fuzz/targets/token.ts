import assert from 'node:assert/strict'
import { nodeMacaroonCrypto } from 'omnigate'
import {
  MAX_CAVEATS,
  MAX_TOKEN_BYTES,
  attenuate,
  caveatText,
  decodeIdentifier,
  decodeToken,
  encodeToken,
  inspectToken,
  parseCaveat,
  refusalOf,
  tokenBytes,
  tokenText,
  verifyToken
} from 'omnigate/protocols'
import type { CapabilityUse, Caveat, Macaroon, OapError, Token, VerifiedToken } from 'omnigate/protocols'
import { BYTE_MUTATIONS } from '../engine/mutate.ts'
import type { Target } from '../engine/target.ts'
import { CAVEAT_TOKENS } from './dictionary.ts'
import { attempt } from './oap-errors.ts'
import { tokenSeeds } from './seeds.ts'
import { CountedCrypto, HUB, KID, keysOf, resigned } from './token-scene.ts'
import { TOKEN_MUTATIONS } from './token-mutations.ts'

const PROVING = new Map([
  ['cap_foreign', ['malformed', 'location', 'kid', 'signature']],
  ['cap_expired', ['kid']],
  ['cap_denied', ['discharge']]
])
const NOTHING = new Uint8Array(0)
const JUDGING = ['cap_denied', 'cap_expired']

const USE: CapabilityUse = {
  verb: 'a:b',
  app: 0x0201,
  topic: 'a/b',
  content: 'b1',
  bytes: 10,
  writes: true,
  tenantId: undefined,
  peer: '12D3KooW',
  hub: HUB,
  now: 1_767_226_000
}
const { topic: _topic, content: _content, ...NAMELESS } = USE
const USES: readonly CapabilityUse[] = [
  USE,
  { ...USE, now: 0 },
  { ...USE, writes: false, bytes: 0, verb: 'mailbox:send', topic: 'dispatch/SF' },
  { ...NAMELESS, tenantId: new Uint8Array(16).fill(1) }
]
const NARROWER: readonly Caveat[] = [
  { key: 'read-only', value: true },
  { key: 'topic', value: ['a/*'] },
  { key: 'expires', value: 1_767_225_000 },
  { key: 'rate', value: 1 }
]

function checkRefusal({ code, reason }: OapError): void {
  const reasons = PROVING.get(code)
  assert.ok(reasons !== undefined, `a token is refused with ${code}`)
  assert.ok(reasons.includes(String(reason)), `${code} has the reason ${reason}`)
}

const isMalformed = ({ code, reason }: OapError): boolean => code === 'cap_foreign' && reason === 'malformed'

/** The token that the bytes are; undefined when they are none. What is taken is written again as it was. */
function checkCodec(input: Uint8Array): Token | undefined {
  const read = attempt(() => decodeToken(input))
  if ('refused' in read) {
    assert.ok(isMalformed(read.refused), `bytes are refused with ${read.refused.code}`)
    return undefined
  }
  assert.ok(input.length <= MAX_TOKEN_BYTES, `a token of ${input.length} bytes is taken`)
  assert.deepEqual(Buffer.from(encodeToken(read.value)), Buffer.from(input), 'a token encodes to another')
  assert.deepEqual(Buffer.from(tokenBytes(tokenText(read.value))), Buffer.from(input), 'its text is another')
  return read.value
}

/** Input as the text of a token, and as a caveat: each has one form. */
function checkText(input: Uint8Array): void {
  const text = Buffer.from(input).toString('latin1')
  const bytes = attempt(() => tokenBytes(text))
  if ('value' in bytes)
    assert.equal(Buffer.from(bytes.value).toString('base64url'), text, 'two texts of one token')
  else assert.ok(isMalformed(bytes.refused), `text is refused with ${bytes.refused.code}`)
  const caveat = parseCaveat(text)
  if (!('unknown' in caveat)) assert.equal(caveatText(caveat), text, 'a caveat has two forms')
}

const caveatsOf = ({ macaroon, discharges }: Token): number =>
  [macaroon, ...discharges].reduce((sum, { caveats }) => sum + caveats.length, 0)

/** Proves `input`; the work is bounded by what was counted before the first HMAC. */
function proved(input: Uint8Array, token: Token | undefined): VerifiedToken | undefined {
  const crypto = new CountedCrypto(nodeMacaroonCrypto)
  const result = attempt(() => verifyToken(input, { crypto, hub: HUB, keys: keysOf(crypto) }))
  if (token === undefined) assert.equal(crypto.hmacs, 0, 'bytes that are no token cost an HMAC')
  else {
    const caveats = caveatsOf(token)
    assert.ok(caveats <= MAX_CAVEATS, `${caveats} caveats are taken`)
    // The chain key; one each macaroon; three each caveat at most; three to bind each discharge.
    const most = 2 + 3 * caveats + 4 * token.discharges.length
    assert.ok(crypto.hmacs <= most, `${crypto.hmacs} HMACs for ${caveats} caveats, at most ${most}`)
    assert.ok(crypto.opened <= caveats, `${crypto.opened} boxes are opened for ${caveats} caveats`)
  }
  if ('value' in result) return result.value
  checkRefusal(result.refused)
  return undefined
}

/** Says the same of itself before it is proved, and is refused in the same words where it is none. */
function checkInspection(input: Uint8Array, token: VerifiedToken | undefined): void {
  const inspected = attempt(() => inspectToken(input))
  if ('refused' in inspected) {
    assert.ok(isMalformed(inspected.refused), `inspecting fails with ${inspected.refused.code}`)
    assert.equal(token, undefined, 'a token is proved that cannot be inspected')
  } else if (token !== undefined) {
    assert.deepEqual(inspected.value.caveats, token.caveats)
    assert.equal(inspected.value.unmet, token.unmet)
    assert.equal(inspected.value.capId, token.capId)
  }
}

/** Whether every third-party caveat that is met on the way has a discharge, and none is left over. */
function isDischarged({ macaroon, discharges }: Token): boolean {
  const left = discharges.map(each => ({ name: hex(each.identifier), each }))
  const waiting = [macaroon]
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    for (const { identifier, vid } of next.caveats) {
      if (vid === undefined) continue
      const at = left.findIndex(({ name }) => name === hex(identifier))
      if (at < 0) return false
      waiting.push(...left.splice(at, 1).map(({ each }) => each))
    }
  }
  return left.length === 0
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** The same token as its hub would have signed it: it is proved if its discharges are those that it asks for. */
function checkSigned(token: Token): void {
  const identifier = attempt(() => decodeIdentifier(token.macaroon.identifier))
  const signed = resigned(token)
  const bytes = attempt(() => encodeToken(signed))
  if ('refused' in bytes) {
    // The hub id is longer than the location that stood there.
    assert.ok(isMalformed(bytes.refused))
    return
  }
  const verified = proved(bytes.value, signed)
  const isOurs = 'value' in identifier && identifier.value.kid === KID
  assert.equal(verified !== undefined, isOurs && isDischarged(token), 'proved, or refused, against the rule')
  checkInspection(bytes.value, verified)
  if (verified === undefined) return
  checkJudgement(verified)
  checkChange(bytes.value, signed)
  if (token.discharges.length === 0) for (const caveat of NARROWER) checkNarrowed(signed, verified, caveat)
}

function checkJudgement(token: VerifiedToken): void {
  for (const use of USES) {
    const refusal = refusalOf(token, use)
    assert.ok(refusal === undefined || JUDGING.includes(refusal.code), `a call ends with ${refusal?.code}`)
    if (token.unmet !== undefined) assert.equal(refusal?.code, 'cap_denied', 'an unknown caveat is passed')
  }
}

/** A copy with one caveat more is proved, allows no call that its token did not, and has the buckets of its token. */
function checkNarrowed({ macaroon }: Token, wider: VerifiedToken, caveat: Caveat): void {
  const narrowed = attempt(() => attenuate(nodeMacaroonCrypto, macaroon, [caveat]))
  if ('refused' in narrowed) {
    assert.equal(narrowed.refused.code, 'bad_request')
    assert.equal(macaroon.caveats.length, MAX_CAVEATS, 'a token with room is not narrowed')
    return
  }
  const token = { macaroon: narrowed.value, discharges: [] }
  const bytes = attempt(() => encodeToken(token))
  if ('refused' in bytes) {
    assert.ok(isMalformed(bytes.refused))
    return
  }
  const narrower = proved(bytes.value, token)
  assert.ok(narrower !== undefined, 'a narrowed token is not proved')
  // A token without an end, which no hub mints, is good for nothing until it gets one.
  if (caveat.key === 'expires' && wider.unmet === 'expires') return
  for (const use of USES)
    if (refusalOf(wider, use) !== undefined)
      assert.ok(refusalOf(narrower, use) !== undefined, 'a caveat more allows more')
  const buckets = ({ limits }: VerifiedToken) =>
    [limits.rates, limits.streams, limits.bytes].map(each => each.map(({ bucket }) => bucket))
  const before = buckets(wider)
  assert.deepEqual(
    buckets(narrower).map((each, kind) => each.slice(0, before[kind]!.length)),
    before,
    'a narrowed copy has buckets of its own'
  )
}

/** One bit of a proved token that changes is found, unless it lies in a hint that nothing signs. */
function checkChange(bytes: Uint8Array, token: Token): void {
  const at = bytes.reduce((sum, byte) => (sum * 31 + byte) >>> 0, 7) % (bytes.length * 8)
  const changed = bytes.slice()
  changed[at >> 3]! ^= 1 << (at & 7)
  const read = attempt(() => decodeToken(changed))
  const other = 'value' in read ? read.value : undefined
  if (proved(changed, other) === undefined) return
  assert.deepEqual(withoutHints(other!), withoutHints(token), 'a changed token is proved')
}

const withoutHints = ({ macaroon, discharges }: Token) =>
  [macaroon, ...discharges].map(({ identifier, caveats, signature }: Macaroon) =>
    [identifier, signature, ...caveats.flatMap(each => [each.identifier, each.vid ?? NOTHING])].map(hex)
  )

function run(input: Uint8Array): void {
  checkText(input)
  const token = checkCodec(input)
  const verified = proved(input, token)
  checkInspection(input, verified)
  if (verified !== undefined) checkJudgement(verified)
  if (token !== undefined) checkSigned(token)
}

export const token: Target = {
  name: 'token',
  about: 'capability tokens and discharges: one encoding, typed refusals, bounded work, nothing widens one',
  maxBytes: MAX_TOKEN_BYTES + 64,
  mutations: [...Object.values(BYTE_MUTATIONS), ...TOKEN_MUTATIONS],
  dictionary: CAVEAT_TOKENS,
  seeds: tokenSeeds,
  run
}
