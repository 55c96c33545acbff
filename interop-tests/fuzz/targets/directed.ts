import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import {
  DELEGATION,
  DIRECTED_MESSAGE,
  DIRECTED_RECEIPT,
  KEY_REVOCATION,
  addressRefusal,
  directedId,
  emptyBook,
  formatSigned,
  isDirectedRefusal,
  judgeFirst,
  learnDelegation,
  learnKeyRevocation,
  parseSigned,
  receiptProblem,
  rowFor,
  signStatement,
  signingKey,
  verifyPortableReceipt
} from '../../../federation/index.ts'
import type { DelegationBook, Treaty } from '../../../federation/index.ts'
import { BYTE_MUTATIONS } from '../engine/mutate.ts'
import type { Target } from '../engine/target.ts'
import { JSON_TOKENS, LINKS_TOKENS } from './dictionary.ts'
import { unless } from './refusals.ts'

const path = new URL('../../../specs/vectors/federation-directed.json', import.meta.url)
const VECTORS = JSON.parse(readFileSync(path, 'utf8')) as {
  readonly now: number
  readonly keys: Readonly<Record<string, { readonly seed: string; readonly public_key: string }>>
  readonly link: { readonly recipient: string; readonly origin: string }
  readonly treaty: Pick<Treaty, 'rows' | 'window_s'>
  readonly delegations: readonly string[]
  readonly revocations: readonly string[]
  readonly body: string
  readonly messages: readonly { readonly line: string; readonly code: string | null }[]
  readonly receipts: readonly { readonly line: string; readonly problem: string | null }[]
  readonly portable: readonly { readonly text: string; readonly accept: boolean }[]
}
const { now: NOW_S, link: LINK, treaty: TREATY } = VECTORS
const BODY = Buffer.from(VECTORS.body)
const MAX_BYTES = 2048
/** What was signed by whom it says, and all that stands. */
const GOOD = new Set([
  ...VECTORS.messages.filter(({ code }) => code === null).map(({ line }) => line),
  ...VECTORS.receipts.filter(({ problem }) => problem === null).map(({ line }) => line),
  ...VECTORS.portable.filter(({ accept }) => accept).map(({ text }) => text)
])

function bookOf(hub: string): DelegationBook {
  let book = emptyBook(hub)
  for (const line of VECTORS.delegations) {
    const learned = learnDelegation(book, parseSigned(DELEGATION, line))
    if ('book' in learned) book = learned.book
  }
  for (const line of VECTORS.revocations) {
    const learned = learnKeyRevocation(book, parseSigned(KEY_REVOCATION, line), NOW_S)
    if ('book' in learned) book = learned.book
  }
  return book
}
const ORIGIN = bookOf(LINK.origin)
const RECIPIENT = bookOf(LINK.recipient)
const ORIGIN_KEY = signingKey(Buffer.from(VECTORS.keys['origin-message']!.seed, 'hex'))
const MESSAGE = parseSigned(DIRECTED_MESSAGE, VECTORS.messages[0]!.line).statement

function checkMessage(line: string): void {
  const read = unless(() => parseSigned(DIRECTED_MESSAGE, line), SyntaxError)
  if (read === undefined) return
  assert.equal(formatSigned(read), line, 'two lines of one message')
  const { statement } = read
  const misled = addressRefusal(statement, { self: LINK.recipient, origin: LINK.origin })
  const sight = { body: BODY, treaty: TREATY, book: ORIGIN, nowS: NOW_S }
  const judged = judgeFirst(read, sight)
  if ('row' in judged && misled === undefined) assert.ok(GOOD.has(line), 'forged')
  // What its origin signs is taken where all that is said of it holds, and else refused by name.
  const anew = judgeFirst(signStatement(DIRECTED_MESSAGE, ORIGIN_KEY, statement), sight)
  if ('refusal' in anew) return assert.ok(isDirectedRefusal(anew.refusal), anew.refusal)
  assert.equal(anew.row, rowFor(TREATY, 'in', statement))
  assert.ok(
    statement.at <= NOW_S + 60 && statement.at >= NOW_S - TREATY.window_s && statement.expires > NOW_S
  )
  assert.equal(statement.body_bytes, BODY.length)
}

function checkReceipt(line: string): void {
  const read = unless(() => parseSigned(DIRECTED_RECEIPT, line), SyntaxError)
  if (read === undefined) return
  assert.equal(formatSigned(read), line, 'two lines of one receipt')
  if (receiptProblem(RECIPIENT, read, MESSAGE, NOW_S) !== undefined) return
  assert.ok(GOOD.has(line), 'forged')
  assert.equal(read.statement.id, directedId(MESSAGE))
}

function checkPortable(text: string): void {
  const read = unless(() => verifyPortableReceipt(text), SyntaxError)
  if (read === undefined) return
  assert.ok(GOOD.has(text), 'a text that nobody signed')
  assert.equal(
    unless(() => verifyPortableReceipt(text, { hub: LINK.origin }), SyntaxError),
    undefined
  )
}

export const directed: Target = {
  name: 'directed',
  about:
    'messages between two hubs, their receipts, also as texts: one line each, refused by name, no forgery',
  maxBytes: MAX_BYTES,
  mutations: Object.values(BYTE_MUTATIONS),
  dictionary: [
    ...JSON_TOKENS,
    ...LINKS_TOKENS,
    ...[
      '"body_bytes":22',
      '"nonce":"',
      '"priority":4',
      '"state":"quarantined"',
      '"to":"h1',
      '"ends":',
      '"e2e":true'
    ].map(text => Buffer.from(text))
  ],
  seeds: () =>
    [
      ...[...VECTORS.messages, ...VECTORS.receipts].map(({ line }) => line),
      ...VECTORS.portable.map(({ text }) => text)
    ]
      .map(text => Buffer.from(text))
      .filter(({ length }) => length <= MAX_BYTES),
  run(input) {
    const text = Buffer.from(input).toString()
    checkMessage(text)
    checkReceipt(text)
    checkPortable(text)
  }
}
