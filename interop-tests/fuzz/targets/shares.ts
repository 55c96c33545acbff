import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { OapError, federationService } from 'omnigate/protocols'
import {
  ANNOUNCEMENT,
  SHARED_MESSAGE,
  SHARES,
  countOf,
  federatedId,
  formatSigned,
  isInOrder,
  isSettled,
  isStatementBy,
  meet,
  openAnnounced,
  parseSigned,
  publicBytes,
  settleAll,
  signStatement,
  signingKey,
  wanted
} from '../../../federation/index.ts'
import type {
  Announcement,
  CanonicalValue,
  Offer,
  Ranges,
  StatementKind,
  Track
} from '../../../federation/index.ts'
import { BYTE_MUTATIONS } from '../engine/mutate.ts'
import type { Target } from '../engine/target.ts'
import { JSON_TOKENS, LINKS_TOKENS } from './dictionary.ts'
import { unless } from './refusals.ts'

const path = new URL('../../../specs/vectors/federation-shares.json', import.meta.url)
const VECTORS = JSON.parse(readFileSync(path, 'utf8')) as {
  readonly statements: readonly { readonly line: string }[]
  readonly tracks: readonly { readonly settled: Ranges; readonly offer: Offer }[]
  readonly announcements: readonly { readonly line: string; readonly share: string }[]
}
const SIGNED = new Set([...VECTORS.statements, ...VECTORS.announcements].map(({ line }) => line))
const sealedFor = ({ hub, sealed }: Pick<Announcement, 'hub' | 'sealed'>): string => `${hub} ${sealed}`
/** What is sealed is bound to its hub; who says so, and when, is for the signature around it. */
const SEALED = new Set(
  VECTORS.announcements.map(({ line }) =>
    sealedFor((JSON.parse(line) as { statement: Announcement }).statement)
  )
)
const SHARE = VECTORS.announcements[0]!.share
const KEY = signingKey(Buffer.alloc(32, 7))
const PUBLIC = publicBytes(KEY)
const MAX_BYTES = 2048
const { share_state, share_pull } = federationService.operations

/** One line a statement; what its key did not sign is not its word, what is signed anew is. */
function checkSigned<S extends CanonicalValue & { readonly key: string }>(
  kind: StatementKind<S>,
  line: string
): S | undefined {
  const read = unless(() => parseSigned(kind, line), SyntaxError)
  if (read === undefined) return undefined
  assert.equal(formatSigned(read), line, 'two lines of one statement')
  assert.ok(line.length <= kind.maxChars)
  const isIts = unless(() => isStatementBy(kind, read, Buffer.from(read.statement.key, 'hex')), RangeError)
  if (!SIGNED.has(line)) assert.notEqual(isIts, true, 'forged')
  assert.ok(isStatementBy(kind, signStatement(kind, KEY, read.statement), PUBLIC))
  return read.statement
}

function checkMessage(line: string): void {
  const statement = checkSigned(SHARED_MESSAGE, line)
  if (statement === undefined) return
  const { number, bytes } = statement
  assert.ok(number >= 1 && bytes <= SHARES.bodyBytes)
  const other = { ...statement, priority: statement.priority === 0 ? 1 : 0 }
  assert.notEqual(federatedId(other), federatedId(statement), 'two messages of one id')
}

function checkAnnouncement(line: string): void {
  const statement = checkSigned(ANNOUNCEMENT, line)
  const opened = statement && openAnnounced(SHARE, statement)
  if (opened === undefined) return
  assert.ok(SEALED.has(sealedFor(statement!)), 'opens what nobody sealed for the share')
  assert.equal(openAnnounced('0'.repeat(32), statement!), undefined)
}

/** What an answer says of numbers: in a time that the numbers do not matter for, and never more than was offered. */
function checkOffer(offer: Offer): void {
  if (offer.first > offer.last + 1 || !isInOrder(offer.missing)) return
  const tracks: Track[] = VECTORS.tracks.map(({ settled }) =>
    settled.reduce(settleAll, { first: 1, last: 0, missing: [] } as Track)
  )
  for (const track of tracks) {
    const asked = wanted(track, offer)
    assert.ok(isInOrder(asked))
    assert.ok(asked.length <= track.missing.length + offer.missing.length + 2)
    assert.ok(countOf(asked) <= Math.max(0, offer.last - offer.first + 1))
    assert.deepEqual(meet(asked, offer.missing), [], 'asks for what is not offered')
    for (const [from, to] of asked) {
      assert.ok(from >= offer.first && to <= offer.last)
      assert.ok(!isSettled(track, from) && !isSettled(track, to), 'asks for what it has')
    }
  }
}

function checkAnswers(input: Uint8Array): void {
  const state = unless(() => share_state.answer.decode(input), OapError)
  for (const { first, last, missing } of state?.rows ?? [])
    checkOffer({ first, last, missing: missing.map(([from, to]): [number, number] => [from!, to!]) })
  const pulled = unless(() => share_pull.answer.decode(input), OapError)
  if (pulled === undefined) return
  assert.ok(pulled.items.length <= 256)
  for (const { line, body = new Uint8Array(0) } of pulled.items)
    checkMessage(Buffer.from(body).toString('utf8', 0, line))
}

const answerOf = ({ head, body }: { readonly head: Uint8Array; readonly body: Uint8Array }): Uint8Array =>
  Buffer.concat([head, body])

function answers(): Uint8Array[] {
  const hub = (JSON.parse(VECTORS.statements[0]!.line) as { statement: { hub: string } }).statement.hub
  const rows = VECTORS.tracks.map(({ offer }) => ({
    origin: hub,
    series: 1,
    first: offer.first,
    last: offer.last,
    missing: offer.missing.map(([from, to]) => [from, to])
  }))
  const items = VECTORS.statements.slice(0, 2).map(({ line }) => {
    const bytes = Buffer.from(line)
    return { line: bytes.length, body: Buffer.concat([bytes, Buffer.from('bed 7')]) }
  })
  return [
    answerOf(share_state.answer.encode({ rows, more: false })),
    answerOf(share_pull.answer.encode({ withheld: [[1, 3]], next: 9, items }))
  ]
}

export const shares: Target = {
  name: 'shares',
  about:
    'statements and announcements of shared topics, answers about them: one line each, no forgery, work by what is said and not by its numbers',
  maxBytes: MAX_BYTES,
  mutations: Object.values(BYTE_MUTATIONS),
  dictionary: [
    ...JSON_TOKENS,
    ...LINKS_TOKENS,
    ...[
      '"number":9007199254740991',
      '"series":1794000000000',
      '"missing":[[1,2],[4,9007199254740991]]',
      '"rows":[{',
      '"withheld":[[1,1]]',
      '"count":2',
      '"line":1',
      '"attrs":{"a":"b"}',
      '"e2e":true',
      '"sealed":"'
    ].map(text => Buffer.from(text))
  ],
  seeds: () =>
    [
      ...[...VECTORS.statements, ...VECTORS.announcements].map(({ line }) => Buffer.from(line)),
      ...answers()
    ].filter(({ length }) => length <= MAX_BYTES),
  run(input) {
    const text = Buffer.from(input).toString()
    checkMessage(text)
    checkAnnouncement(text)
    checkAnswers(input)
  }
}
