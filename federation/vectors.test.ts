import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { type Difference, agree } from './agreement.ts'
import {
  type DelegatedKind,
  type DelegationBook,
  emptyBook,
  learnDelegation,
  learnKeyRevocation,
  statementProblem
} from './delegation-book.ts'
import { DELEGATION, authorityProblem } from './delegation.ts'
import { publicBytes, signingKey } from './ed25519.ts'
import { pairingFingerprint } from './fingerprint.ts'
import { type Form, formed } from './form.ts'
import { hubId, hubPublicKey } from './hub-id.ts'
import { proofDigest } from './hub-keys.ts'
import { decodeInvite, encodeInvite, inviteProblem, secretDigest } from './invite.ts'
import { keyDigest, keyPage, keyPageLines, keyRecordLine, parseKeyRecord } from './key-record.ts'
import { KEY_REVOCATION } from './key-revocation.ts'
import { peerPublicKey } from './peer-key.ts'
import { type Signed, formatSigned, isStatementBy, parseSigned } from './statement.ts'
import { confirmationProblem, hubChain, learnSuccession } from './succession-chain.ts'
import { type Succession, parseSuccession } from './succession.ts'
import { TREATY_GRANT, type TreatyGrant, grantOf } from './treaty-grant.ts'
import { readTreaty } from './treaty.ts'

interface Named {
  readonly name: string
  readonly about: string
}
type Line = Named & { readonly accept: boolean; readonly line: string }
type Hex = Readonly<Record<'seed' | 'public_key' | 'hub_id' | 'peer_id', string>>

const vectors = JSON.parse(
  readFileSync(new URL('../specs/vectors/federation-links.json', import.meta.url), 'utf8')
) as {
  readonly keys: Readonly<Record<string, Hex>>
  readonly hub_ids: readonly (Named & { readonly text: string; readonly key?: string })[]
  readonly delegations: readonly Line[]
  readonly key_revocations: readonly Line[]
  readonly judgements: {
    readonly hub: string
    readonly delegations: readonly string[]
    readonly revocations: readonly { readonly line: string; readonly learned_at: number }[]
    readonly statements: readonly (Named & {
      readonly line: string
      readonly first_seen: number
      readonly refusal: string | null
    })[]
  }
  readonly equivocation: readonly (Named & { readonly proof: boolean; readonly lines: [string, string] })[]
  readonly successions: {
    readonly learned: readonly (Named & { readonly line: string; readonly verdict: string })[]
    readonly chains: readonly { readonly hub: string; readonly chain: readonly string[] }[]
    readonly confirmations: readonly (Named & {
      readonly allowed: readonly string[]
      readonly hub: string
      readonly successor: string
      readonly refusal: string | null
    })[]
  }
  readonly records: {
    readonly kinds: readonly (Named & { readonly line: string; readonly kind: string })[]
    readonly lists: readonly (Named & { readonly lines: readonly string[]; readonly digest: string })[]
    readonly page: {
      readonly line: string
      readonly times: number
      readonly digest: string
      readonly pages: readonly number[]
    }
    readonly proofs: readonly (Named & { readonly lines: readonly string[]; readonly digest: string })[]
  }
  readonly malformed: readonly (Named & { readonly kind: string; readonly line: string })[]
  readonly treaties: {
    readonly now: number
    readonly verbs: readonly string[]
    readonly documents: readonly (Named & {
      readonly document: unknown
      readonly grant?: TreatyGrant
      readonly problems?: readonly string[]
    })[]
  }
  readonly agreements: readonly (Named & {
    readonly here: TreatyGrant
    readonly there: TreatyGrant
    readonly out: unknown
    readonly in: unknown
    readonly window_s: number
    readonly expires: number | null
    readonly differences: readonly Difference[]
  })[]
  readonly invites: {
    readonly now: number
    readonly texts: readonly (Named & {
      readonly text: string
      readonly refusal?: string
      readonly says?: {
        readonly hub: string
        readonly addresses: readonly string[]
        readonly secret: string
        readonly secret_sha256: string
        readonly expires: number
      }
    })[]
  }
  readonly fingerprints: readonly {
    readonly name: string
    readonly transcript: string
    readonly fingerprint: string
  }[]
}

describe('keys', () => {
  for (const [name, key] of Object.entries(vectors.keys)) {
    test(`${name} has one hub id and one peer id`, () => {
      const bytes = publicBytes(signingKey(Buffer.from(key.seed, 'hex')))

      assert.equal(Buffer.from(bytes).toString('hex'), key.public_key)
      assert.equal(hubId(bytes), key.hub_id)
      assert.deepEqual(peerPublicKey(key.peer_id), bytes)
    })
  }
  for (const { name, about, text, key } of vectors.hub_ids) {
    test(`${name}: ${about}`, () => {
      const bytes = hubPublicKey(text)
      assert.equal(bytes && Buffer.from(bytes).toString('hex'), key)
    })
  }
})

describe('statements', () => {
  for (const { name, about, accept, line } of vectors.delegations) {
    test(`${name}: ${about}`, () => {
      const delegation = parseSigned(DELEGATION, line)

      assert.equal(formatSigned(delegation), line)
      assert.equal(authorityProblem(delegation) === undefined, accept)
    })
  }
  for (const { name, about, accept, line } of vectors.key_revocations) {
    test(`${name}: ${about}`, () => {
      const revocation = parseSigned(KEY_REVOCATION, line)
      const hubKey = hubPublicKey(revocation.statement.hub)!

      assert.equal(formatSigned(revocation), line)
      assert.equal(isStatementBy(KEY_REVOCATION, revocation, hubKey), accept)
    })
  }
  for (const { name, about, kind, line } of vectors.malformed) {
    test(`${name}: ${about}`, () => assert.throws(() => READERS[kind]!(line), SyntaxError))
  }
})

const READERS: Readonly<Record<string, (line: string) => unknown>> = {
  delegation: line => parseSigned(DELEGATION, line),
  'key-revocation': line => parseSigned(KEY_REVOCATION, line),
  succession: parseSuccession
}

describe('judgements', () => {
  type Word = { readonly hub: string; readonly key: string; readonly epoch: number; readonly at: number }
  const kind: DelegatedKind<Word> = {
    tag: 'omnigate/revocation/1',
    maxChars: 2048,
    role: 'revocation',
    form: (value => value) as Form<Word>,
    claim: word => word
  }
  const { hub, delegations, revocations, statements } = vectors.judgements
  const delegating = delegations.reduce<DelegationBook>((book, line) => {
    const learned = learnDelegation(book, parseSigned(DELEGATION, line))
    assert.ok('book' in learned)
    return learned.book
  }, emptyBook(hub))
  const book = revocations.reduce((before, { line, learned_at }) => {
    const learned = learnKeyRevocation(before, parseSigned(KEY_REVOCATION, line), learned_at)
    assert.ok('book' in learned)
    return learned.book
  }, delegating)
  for (const { name, about, line, first_seen, refusal } of statements) {
    test(`${name}: ${about}`, () => {
      const signed: Signed<Word> = parseSigned(kind, line)
      assert.equal(statementProblem(book, kind, signed, first_seen) ?? null, refusal)
    })
  }
  for (const { name, about, proof, lines } of vectors.equivocation) {
    test(`${name}: ${about}`, () => {
      const [first, second] = lines.map(line => parseSigned(DELEGATION, line))
      const learned = learnDelegation(emptyBook(hub), first!)
      assert.ok('book' in learned)

      assert.equal(learnDelegation(learned.book, second!).verdict === 'equivocation', proof)
    })
  }
})

describe('successions', () => {
  let known: readonly Succession[] = []
  for (const { name, about, line, verdict } of vectors.successions.learned) {
    test(`${name}: ${about}`, () => {
      const learned = learnSuccession(known, parseSuccession(line))
      if ('known' in learned) known = learned.known

      assert.equal(learned.verdict === 'refused' ? learned.why : learned.verdict, verdict)
    })
  }
  for (const { hub, chain } of vectors.successions.chains) {
    test(`${hub} goes on as ${chain.length - 1} others`, () => assert.deepEqual(hubChain(known, hub), chain))
  }
  for (const { name, about, allowed, refusal, ...change } of vectors.successions.confirmations) {
    test(`${name}: ${about}`, () =>
      assert.equal(confirmationProblem(known, hub => allowed.includes(hub), change) ?? null, refusal))
  }
})

describe('records', () => {
  const { kinds, lists, page, proofs } = vectors.records
  for (const { name, about, line, kind } of kinds) {
    test(`${name}: ${about}`, () => {
      const one = parseKeyRecord(line)

      assert.equal(one.kind, kind)
      assert.equal(keyRecordLine(one), line)
    })
  }
  for (const { name, about, lines, digest } of lists)
    test(`${name}: ${about}`, () => assert.equal(keyDigest(lines), digest))
  for (const { name, about, lines, digest } of proofs)
    test(`${name}: ${about}`, () => assert.equal(proofDigest({ lines }), digest))
  test('pages hold as many whole lines as fit', () => {
    const lines = Array.from({ length: page.times }, () => page.line)
    let from = 0
    const found = page.pages.map(count => {
      const { body, total, digest } = keyPage(lines, from)
      assert.deepEqual([total, digest], [page.times, page.digest])
      from += count
      return keyPageLines(body).length
    })

    assert.deepEqual(found, page.pages)
    assert.equal(from, page.times)
  })
})

describe('treaties', () => {
  const { now, verbs, documents } = vectors.treaties
  for (const { name, about, document, grant, problems } of documents) {
    test(`${name}: ${about}`, () => {
      const read = readTreaty(document, { nowS: now, verbs: new Set(verbs) })

      if ('value' in read) assert.deepEqual(grantOf(read.value), grant)
      else assert.deepEqual(read.problems.map(pathOf).sort(), problems)
    })
  }
  for (const { name, about, here, there, ...agreed } of vectors.agreements) {
    test(`${name}: ${about}`, () => {
      const { windowS, expires, ...found } = agree(formed(TREATY_GRANT, here), formed(TREATY_GRANT, there))

      assert.deepEqual({ ...found, window_s: windowS, expires: expires ?? null }, agreed)
    })
  }
})

/** What stands before the colon of a problem; nothing for one of the whole document. */
const pathOf = (problem: string): string => /^([a-z0-9_.[\]]+): /.exec(problem)?.[1] ?? ''

describe('invites', () => {
  const { now, texts } = vectors.invites
  for (const { name, about, text, refusal, says } of texts) {
    test(`${name}: ${about}`, () => {
      if (refusal === 'form') return assert.throws(() => decodeInvite(text), SyntaxError)
      const invite = decodeInvite(text)

      assert.equal(encodeInvite(invite), text)
      assert.equal(inviteProblem(invite, now), refusal)
      const secret = Buffer.from(invite.secret).toString('hex')
      const secret_sha256 = Buffer.from(secretDigest(invite.secret)).toString('hex')
      if (says !== undefined) assert.deepEqual({ ...invite, secret, secret_sha256 }, says)
    })
  }
  for (const { name, transcript, fingerprint } of vectors.fingerprints) {
    test(`${name}: ${fingerprint}`, () => assert.equal(pairingFingerprint(transcript), fingerprint))
  }
})
