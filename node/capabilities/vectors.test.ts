import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { OapError, caveatText, chainKey, parseCaveat, verifyToken } from '../../protocols/index.ts'
import { attenuate, bindForRequest, decodeToken, encodeToken, mint } from '../../protocols/index.ts'
import type { Caveat, VerifiedToken } from '../../protocols/index.ts'
import { nodeMacaroonCrypto as crypto } from '../macaroon-crypto.ts'
import { keyDelegationProblem, parseKeyDelegation } from './key-delegation.ts'
import { KeyRing, newRing } from './key-ring.ts'
import { renewalTerms } from './renewal.ts'
import {
  formatRevocation,
  headOf,
  parseRevocation,
  revocationProblem,
  signRevocation
} from './revocation-statement.ts'
import type { ListHead } from './revocation-statement.ts'
import { HUB, SIGNER } from './revocation.fixture.ts'

interface Named {
  readonly name: string
  readonly about: string
  readonly line: string
}
interface Renewal extends Named {
  readonly caveats: readonly string[]
  readonly peer: string
  readonly now: number
  readonly ttl_s: number
  readonly renewed?: readonly string[]
  readonly expires?: number
  readonly reason?: string
  readonly detail?: string
}
interface Step {
  readonly rotate?: { readonly at: number; readonly grace_s?: number; readonly break_glass?: boolean }
  readonly at: number
  readonly held: readonly number[]
}

const vectors = JSON.parse(
  readFileSync(new URL('../../specs/vectors/revocation.json', import.meta.url), 'utf8')
) as {
  readonly delegations: readonly (Named & { readonly accept: boolean })[]
  readonly statements: readonly (Named & { readonly digest: string })[]
  readonly refused: readonly (Named & { readonly why: string; readonly before: ListHead })[]
  readonly malformed: readonly Named[]
  readonly renewals: readonly Renewal[]
  readonly rings: readonly (Named & { readonly steps: readonly Step[] })[]
}
const DELEGATION = parseKeyDelegation(`${vectors.delegations[0]!.line}\n`)

const WHY: Readonly<Record<string, RegExp>> = {
  hub: /^made by hub/,
  key: /^not by the delegated key/,
  time: /^made outside the time/,
  sequence: /where \d+ was expected$/,
  previous: /follows another one/,
  signature: /is not signed by its key$/
}

for (const { name, about, accept, line } of vectors.delegations) {
  test(`${name}: ${about}`, () => assert.equal(isAccepted(`${line}\n`), accept))
}

function isAccepted(text: string): boolean {
  try {
    return keyDelegationProblem(parseKeyDelegation(text)) === undefined
  } catch (error) {
    assert.ok(error instanceof SyntaxError)
    return false
  }
}

for (const [i, { name, about, line, digest }] of vectors.statements.entries()) {
  test(`${name}: ${about}`, () => {
    const before = { seq: i, digest: vectors.statements[i - 1]?.digest ?? '0'.repeat(64) }
    const signed = parseRevocation(line)

    assert.equal(revocationProblem(signed, before, DELEGATION), undefined)
    assert.deepEqual(headOf(i + 1, line), { seq: i + 1, digest })
    assert.equal(formatRevocation(signRevocation(SIGNER.key, signed.statement)), line)
  })
}

for (const { name, about, why, line, before } of vectors.refused) {
  test(`${name}: ${about}`, () =>
    assert.match(revocationProblem(parseRevocation(line), before, DELEGATION) ?? '', WHY[why]!))
}

for (const { name, about, line } of vectors.malformed) {
  test(`${name}: ${about}`, () => assert.throws(() => parseRevocation(line), SyntaxError))
}

for (const vector of vectors.renewals) {
  test(`${vector.name}: ${vector.about}`, () => {
    const { peer, now, ttl_s: ttlS, renewed, expires, reason, detail } = vector
    const token = tokenWith(vector.caveats)
    const right = { capId: token.capId, kids: [1], tenant: token.tenant, verbs: [], expires: 0, ttlS }
    const renew = () => renewalTerms(token, right, { peer, hub: HUB, now })

    if (renewed === undefined) {
      assert.throws(renew, (error: unknown) => {
        assert.ok(error instanceof OapError, String(error))
        assert.deepEqual([error.code, error.reason], [reason, detail])
        return true
      })
      return
    }
    const terms = renew()
    assert.deepEqual([terms.caveats.map(caveatText), terms.expires], [renewed, expires])
  })
}

for (const { name, about, steps } of vectors.rings) {
  test(`${name}: ${about}`, async () => {
    const keys = new KeyRing(newRing(), async () => {})
    for (const { rotate, at, held } of steps) {
      if (rotate === undefined) {
        const known = [1, 2, 3, 4, 5].filter(kid => keys.keyOf(kid, at * 1000) !== undefined)
        assert.deepEqual(known, held, `at ${at}`)
      } else {
        const { grace_s = 0, break_glass = false } = rotate
        await keys.rotate(rotate.at * 1000, { graceMs: grace_s * 1000, breakGlass: break_glass })
      }
    }
  })
}

/** A token as its hub proves it, whatever its caveats say. */
function tokenWith(lines: readonly string[]): VerifiedToken {
  const key = chainKey(crypto, new Uint8Array(32))
  const identifier = {
    capId: 'ab'.repeat(16),
    kid: 1,
    tenant: '6e5a8a06-1111-4222-8333-944444444444',
    iat: 0
  }
  const known = lines
    .filter(line => !('unknown' in parseCaveat(line)))
    .map(line => parseCaveat(line) as Caveat)
  const strange = lines.filter(line => 'unknown' in parseCaveat(line))
  let macaroon = mint(crypto, { hub: HUB, key, ...identifier, caveats: known })
  for (const line of strange) {
    const added = Buffer.from(line)
    const signature = crypto.hmacSha256(macaroon.signature, added)
    macaroon = { ...macaroon, caveats: [...macaroon.caveats, { identifier: added }], signature }
  }
  const bytes = encodeToken(bindForRequest(crypto, attenuate(crypto, macaroon, [])))
  assert.equal(decodeToken(bytes).macaroon.caveats.length, lines.length)
  return verifyToken(bytes, { crypto, hub: HUB, keys: { current: 1, chainKey: () => key } })
}
