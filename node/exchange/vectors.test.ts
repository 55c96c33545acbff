import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import {
  EXCHANGE,
  EXCHANGE_TAG,
  REVOCATION_HEAD,
  addressProblem,
  emptyBook,
  exchangeTerms,
  learnDelegation,
  parseDelegation,
  parseSigned,
  readTreaty,
  signedBytes,
  statementProblem
} from '../../federation/index.ts'
import type { DelegationBook, Direction, ExchangeStatement, Signed } from '../../federation/index.ts'
import { caveatText } from '../../protocols/index.ts'
import { parseKeyDelegation } from '../capabilities/index.ts'
import { NOT_FOLLOWED, follow } from './following.ts'
import { caveatsOf } from './granting.ts'

interface Line {
  readonly name: string
  readonly about: string
  readonly line: string
  readonly signed?: { readonly utf8: string }
}

const { exchanges, heads } = JSON.parse(
  readFileSync(new URL('../../specs/vectors/cap-exchange.json', import.meta.url), 'utf8')
) as {
  readonly exchanges: {
    readonly now: number
    readonly self: string
    readonly link: string
    readonly ways: Readonly<Record<string, Direction>>
    readonly gone: readonly string[]
    readonly treaty: unknown
    readonly statements: readonly (Line & {
      readonly refusal: string | null
      readonly token?: { readonly tenant: string; readonly caveats: readonly string[] }
    })[]
  }
  readonly heads: {
    readonly now: number
    readonly hub: string
    readonly delegations: readonly string[]
    readonly follows: { readonly seq: number; readonly digest: string }
    readonly lines: readonly (Line & { readonly good?: number; readonly refusal?: string })[]
  }
}

/** What a line that is none gives. */
function parsed<T>(parse: () => T): T | undefined {
  try {
    return parse()
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

describe('exchanges', () => {
  const { now: nowS, self, ways, gone } = exchanges
  const link = parseDelegation(`${exchanges.link}\n`)
  const learned = learnDelegation(emptyBook(link.statement.hub), link)
  const { book } = learned as { readonly book: DelegationBook }
  const read = readTreaty(exchanges.treaty)
  assert.ok('value' in read)
  const use = {
    treaty: read.value,
    ways: new Map(Object.entries(ways)),
    isTenant: (id: string) => !gone.includes(id),
    nowS
  }

  const judged = (signed: Signed<ExchangeStatement>) =>
    statementProblem(book, EXCHANGE, signed, nowS) ??
    addressProblem(signed.statement, { self, nowS }) ??
    exchangeTerms(signed.statement, use)

  for (const { name, about, line, refusal, token, signed: over } of exchanges.statements) {
    test(`${name}: ${about}`, () => {
      const signed = parsed(() => parseSigned(EXCHANGE, line))
      if (signed === undefined) return assert.equal(refusal, 'malformed')
      if (over !== undefined)
        assert.equal(Buffer.from(signedBytes(EXCHANGE_TAG, signed.statement)).toString(), over.utf8)
      const terms = judged(signed)

      if (typeof terms === 'string') return assert.equal(terms, refusal)
      assert.equal(refusal, null)
      const caveats = caveatsOf(self, signed.statement, terms).map(caveatText)
      assert.deepEqual({ tenant: terms.tenant, caveats }, token)
    })
  }
})

describe('heads', () => {
  const { now: s, hub, follows, lines } = heads
  const delegations = heads.delegations.map(line => parseKeyDelegation(`${line}\n`))
  const before = { ...NOT_FOLLOWED, delegations, head: { ...follows, epoch: 2 } }
  const REFUSAL: Readonly<Record<string, string>> = {
    head_key: 'key',
    head_time: 'time',
    head_signature: 'signature',
    fork: 'fork'
  }

  for (const { name, about, line, good, refusal } of lines) {
    test(`${name}: ${about}`, () => {
      const head = parsed(() => parseSigned(REVOCATION_HEAD, line))
      if (head === undefined) return assert.equal(refusal, 'form')

      const news = { delegations: [], statements: [], head }
      const { state, problem } = follow(hub, before, news, {
        now: { ms: 0, s },
        mostStatements: 10,
        isRevoked: () => false
      })

      if (problem !== undefined) return assert.equal(REFUSAL[problem], refusal)
      if (state.freshUntilMs === -Infinity) return assert.equal(refusal, 'behind')
      assert.equal(refusal, undefined)
      assert.equal(state.freshUntilMs / 1000, good)
    })
  }
})
