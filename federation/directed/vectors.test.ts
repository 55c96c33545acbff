import assert from 'node:assert/strict'
import { createPublicKey, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { emptyBook, learnDelegation, learnKeyRevocation } from '../delegation-book.ts'
import type { DelegationBook } from '../delegation-book.ts'
import { DELEGATION } from '../delegation.ts'
import { KEY_REVOCATION } from '../key-revocation.ts'
import { parseSigned } from '../statement.ts'
import type { Treaty } from '../treaty.ts'
import {
  DIRECTED,
  DIRECTED_MESSAGE,
  DIRECTED_RECEIPT,
  DIRECTED_TAG,
  addressRefusal,
  directedId,
  judgeFirst,
  receiptProblem,
  redeliveryDelayMs,
  verifyPortableReceipt
} from './index.ts'

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8')

const vectors = JSON.parse(read('../../specs/vectors/federation-directed.json')) as {
  readonly now: number
  readonly keys: Readonly<Record<string, { readonly public_key: string }>>
  readonly link: { readonly recipient: string; readonly origin: string }
  readonly treaty: Pick<Treaty, 'rows' | 'window_s'>
  readonly delegations: readonly string[]
  readonly revocations: readonly string[]
  readonly body: string
  readonly messages: readonly {
    readonly name: string
    readonly about: string
    readonly line: string
    readonly code: string | null
    readonly body?: string
    readonly id?: string
  }[]
  readonly receipts: readonly {
    readonly name: string
    readonly line: string
    readonly problem: string | null
  }[]
  readonly portable: readonly {
    readonly name: string
    readonly text: string
    readonly delegation?: string
    readonly hub?: string
    readonly accept: boolean
  }[]
  readonly retries: readonly {
    readonly attempt: number
    readonly random_thousandths: number
    readonly retry_after_ms?: number
    readonly delay_ms: number
  }[]
}
const { now, link, treaty } = vectors

describe('messages', () => {
  for (const { name, about, line, code, body, id } of vectors.messages)
    test(`${name}: ${about}`, () => {
      assert.equal(judged(line, Buffer.from(body ?? vectors.body)), code)
      if (id !== undefined) assert.equal(directedId(parseSigned(DIRECTED_MESSAGE, line).statement), id)
    })

  test('an id and a signature are those of the texts', () => {
    const { line } = vectors.messages[0]!
    const { statement, signature } = JSON.parse(line) as { statement: object; signature: string }
    const text = line.slice(line.indexOf('"statement":') + '"statement":'.length, -1)
    assert.deepEqual(JSON.parse(text), statement)
    const der = Buffer.from(`302a300506032b6570032100${vectors.keys['origin-message']!.public_key}`, 'hex')
    const key = createPublicKey({ key: der, format: 'der', type: 'spki' })
    assert.ok(verify(null, Buffer.from(`${DIRECTED_TAG}\n${text}`), key, Buffer.from(signature, 'base64')))
  })

  test('no byte of a line can be another', () => {
    const { line } = vectors.messages[0]!
    for (let at = 0; at < line.length; at += 7) {
      const changed = line.slice(0, at) + String.fromCharCode(line.charCodeAt(at) ^ 1) + line.slice(at + 1)
      assert.notEqual(judged(changed, Buffer.from(vectors.body)), null, `at ${at}`)
    }
  })
})

describe('receipts', () => {
  const message = parseSigned(DIRECTED_MESSAGE, vectors.messages[0]!.line).statement
  for (const { name, line, problem } of vectors.receipts)
    test(`${name}: ${problem ?? 'stands'}`, () => {
      if (problem === 'malformed')
        return assert.throws(() => parseSigned(DIRECTED_RECEIPT, line), SyntaxError)
      const receipt = parseSigned(DIRECTED_RECEIPT, line)
      return assert.equal(receiptProblem(bookOf(link.recipient), receipt, message, now) ?? null, problem)
    })

  for (const { name, text, delegation, hub = link.recipient, accept } of vectors.portable)
    test(`as a text, ${name}`, () => {
      const verified = () => verifyPortableReceipt(text, { hub, delegation })
      if (accept) assert.equal(verified().hub, link.recipient)
      else assert.throws(verified, SyntaxError)
    })

  test('a text that is too long is not read', () => {
    assert.throws(() => verifyPortableReceipt(' '.repeat(DIRECTED.portableChars + 1)), /longer than/)
  })
})

describe('retries', () => {
  for (const { attempt, random_thousandths, retry_after_ms: retryAfterMs, delay_ms } of vectors.retries)
    test(`attempt ${attempt}, ${random_thousandths} thousandths, asked for ${retryAfterMs ?? 'nothing'}`, () => {
      assert.equal(redeliveryDelayMs({ attempt, retryAfterMs }, random_thousandths / 1000), delay_ms)
    })

  test('what another hub asks for is bounded, whatever it is', () => {
    for (const retryAfterMs of [Infinity, Number.NaN, -Infinity, 1e300])
      assert.ok(redeliveryDelayMs({ attempt: 1, retryAfterMs }, 0) <= DIRECTED.retryMsMost)
  })
})

test('the numbers of the text are those of the code', () => {
  const text = read('../../specs/federation-directed.md')
  for (const [name, value] of Object.entries(DIRECTED)) {
    const row = `| ${name.replaceAll(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)}`
    const [, written] = new RegExp(`^${row.replace('|', '\\|')} +\\| (\\d+) +\\|$`, 'm').exec(text) ?? []
    assert.equal(Number(written), value, name)
  }
})

/** The code of what a recipient refuses; null for what it takes. */
function judged(line: string, body: Uint8Array): string | null {
  if (line.length > DIRECTED.statementChars) return 'oversize'
  try {
    const signed = parseSigned(DIRECTED_MESSAGE, line)
    const misled = addressRefusal(signed.statement, { self: link.recipient, origin: link.origin })
    if (misled !== undefined) return misled
    const verdict = judgeFirst(signed, { body, treaty, book: bookOf(link.origin), nowS: now })
    return 'refusal' in verdict ? verdict.refusal : null
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return 'malformed'
  }
}

function bookOf(hub: string): DelegationBook {
  let book = emptyBook(hub)
  for (const line of vectors.delegations) {
    const learned = learnDelegation(book, parseSigned(DELEGATION, line))
    if ('book' in learned) book = learned.book
  }
  for (const line of vectors.revocations) {
    const learned = learnKeyRevocation(book, parseSigned(KEY_REVOCATION, line), now - 60)
    if ('book' in learned) book = learned.book
  }
  return book
}
