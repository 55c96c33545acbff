import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { nodeMacaroonCrypto as crypto } from '../node/index.ts'
import {
  CLOCK_SKEW_S,
  MAX_CAVEATS,
  MAX_TOKEN_BYTES,
  OapError,
  caveatText,
  chainKey,
  decodeToken,
  encodeToken,
  isTopicPattern,
  meetPatterns,
  parseCaveat,
  refusalOf,
  tenantBytes,
  tokenBytes,
  tokenText,
  topicMatches,
  verifyToken
} from '../protocols/index.ts'
import type { Caveat, Verifying } from '../protocols/index.ts'
import { vectorBytes } from './index.ts'
import type { Bytes } from './index.ts'

interface Named {
  readonly name: string
  readonly about: string
}
interface Refused {
  readonly reason: string
  readonly status: number
  readonly detail: string
}
interface Spent {
  readonly most: number
  readonly bucket: string
}
interface Valid extends Named {
  readonly bytes: string
  readonly text: string
  readonly identifier: {
    readonly cap_id: string
    readonly kid: number
    readonly tenant: string
    readonly subject: string | null
    readonly iat: number
  }
  readonly caveats: readonly string[]
  readonly limits: {
    readonly rates: readonly Spent[]
    readonly streams: readonly Spent[]
    readonly bytes: readonly Spent[]
    readonly expires: number
    readonly renew_until: number | null
    readonly read_only: boolean
    readonly peer: string | null
    readonly origins: readonly { readonly hub: string; readonly cap_id: string }[]
  }
}
interface Call extends Named, Partial<Refused> {
  readonly token: string
  readonly allowed: boolean
  readonly call: {
    readonly verb: string
    readonly app: number
    readonly topic: string | null
    readonly content: string | null
    readonly bytes: number
    readonly writes: boolean
    readonly tenant: string | null
    readonly peer: string
    readonly now: number
  }
}
interface Vectors {
  readonly hub: string
  readonly root_keys: Readonly<Record<string, string>>
  readonly current_kid: number
  readonly valid: readonly Valid[]
  readonly invalid: readonly (Named & Refused & { readonly bytes: Bytes })[]
  readonly calls: readonly Call[]
  readonly caveats: readonly { readonly text: string; readonly accept: boolean; readonly detail?: string }[]
  readonly patterns: readonly {
    readonly pattern: string
    readonly allows: readonly string[]
    readonly refuses: readonly string[]
  }[]
  readonly meets: readonly { readonly a: string; readonly b: string; readonly meet: string | null }[]
  readonly texts: readonly { readonly text: string; readonly accept: boolean; readonly bytes?: string }[]
}

const read = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8')
const vectors = JSON.parse(read('vectors/capabilities.json')) as Vectors
const { hub, current_kid: current, root_keys: rootKeys } = vectors
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

const verifying: Verifying = {
  crypto,
  hub,
  keys: {
    current,
    chainKey: kid => {
      const rootKey = rootKeys[kid]
      return rootKey === undefined ? undefined : chainKey(crypto, vectorBytes(rootKey))
    }
  }
}

const isRefusal =
  ({ reason, status, detail }: Partial<Refused>) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof OapError, String(error))
    assert.deepEqual([error.code, error.status, error.reason], [reason, status, detail])
    return true
  }

describe('tokens that are proved', () => {
  for (const { name, about, bytes, text, identifier, caveats, limits } of vectors.valid) {
    test(`${name}: ${about}`, () => {
      const token = verifyToken(vectorBytes(bytes), verifying)

      assert.deepEqual(
        {
          cap_id: token.capId,
          kid: token.kid,
          tenant: token.tenant,
          subject: token.subject ?? null,
          iat: token.iat
        },
        identifier
      )
      assert.deepEqual(token.caveats.map(caveatText), caveats)
      assert.deepEqual(token.limits, {
        rates: limits.rates,
        streams: limits.streams,
        bytes: limits.bytes,
        expires: limits.expires,
        renewUntil: limits.renew_until ?? undefined,
        isReadOnly: limits.read_only,
        peer: limits.peer ?? undefined,
        origins: limits.origins.map(origin => ({ hub: origin.hub, capId: origin.cap_id }))
      })
      assert.equal(token.unmet, undefined)
      assert.equal(hex(encodeToken(decodeToken(vectorBytes(bytes)))), bytes)
      assert.equal(tokenText(decodeToken(tokenBytes(text))), text)
      assert.equal(hex(tokenBytes(text)), bytes)
    })
  }
})

describe('tokens that are not', () => {
  for (const { name, about, bytes, ...refused } of vectors.invalid) {
    test(`${name}: ${about}`, () =>
      assert.throws(() => verifyToken(vectorBytes(bytes), verifying), isRefusal(refused)))
  }
})

describe('calls', () => {
  for (const { name, about, token, call, allowed, reason, status, detail } of vectors.calls) {
    test(`${name}: ${about}`, () => {
      const { topic, content, tenant, ...use } = call
      const named = { topic: topic ?? undefined, content: content ?? undefined }
      const tenantId = tenant === null ? undefined : tenantBytes(tenant)

      const refusal = refusalOf(verifyToken(vectorBytes(token), verifying), {
        ...use,
        ...named,
        tenantId,
        hub
      })

      if (allowed) assert.equal(refusal, undefined)
      else assert.ok(isRefusal({ reason: reason!, status: status!, detail: detail! })(refusal))
    })
  }
})

describe('caveats', () => {
  for (const { text, accept, detail } of vectors.caveats) {
    test(`${accept ? 'takes' : 'refuses'} ${JSON.stringify(text)}`, () => {
      const parsed = parseCaveat(text)

      if (accept) assert.equal(caveatText(parsed as Caveat), text)
      else assert.deepEqual(parsed, { unknown: detail })
    })
  }
})

describe('patterns', () => {
  for (const { pattern, allows, refuses } of vectors.patterns) {
    test(`${pattern} allows what it should and no more`, () => {
      assert.ok(isTopicPattern(pattern))
      for (const topic of allows) assert.ok(topicMatches(pattern, topic), topic)
      for (const topic of refuses) assert.ok(!topicMatches(pattern, topic), topic)
    })
  }

  for (const { a, b, meet } of vectors.meets) {
    test(`${a} and ${b} have ${meet ?? 'nothing'} in common`, () => {
      assert.equal(meetPatterns(a, b), meet ?? undefined)
      assert.equal(meetPatterns(b, a), meet ?? undefined)
    })
  }
})

describe('texts', () => {
  for (const { text, accept, bytes } of vectors.texts) {
    test(`${accept ? 'takes' : 'refuses'} ${JSON.stringify(text)}`, () => {
      if (accept) assert.equal(hex(tokenBytes(text)), bytes)
      else
        assert.throws(
          () => tokenBytes(text),
          isRefusal({ reason: 'cap_foreign', status: 401, detail: 'malformed' })
        )
    })
  }
})

describe('the text of the specification', () => {
  const spec = read('capabilities.md')

  test('has the bounds of the code', () => {
    const bounds = Array.from(spec.matchAll(/^\| ([a-z_]+) +\| (\d+) +\|/gm), ([, name, value]) => [
      name,
      Number(value)
    ])

    assert.deepEqual(Object.fromEntries(bounds), {
      token_bytes: MAX_TOKEN_BYTES,
      caveats: MAX_CAVEATS,
      signature_bytes: 32,
      vid_bytes: 24 + 16 + 32,
      subject_bytes: 128,
      topic_pattern_bytes: 255,
      clock_skew_s: CLOCK_SKEW_S,
      verified_s: 30
    })
  })

  test('lists the keys that the code knows, and the vectors use each', () => {
    const listed = Array.from(spec.matchAll(/^\| `([a-z-]+)(?: [=<>]+ [^`]*)?` +\|/gm), ([, key]) => key!)
    const used = new Set(vectors.caveats.filter(({ accept }) => accept).map(({ text }) => text.split(' ')[0]))

    assert.deepEqual(used, new Set(listed.filter(key => key !== 'v')))
  })

  test('is divided into sections without a gap, and refers to none that is not there', () => {
    const numbers = Array.from(spec.matchAll(/^#{2,3} (\d+(?:\.\d+)?)\.? /gm), ([, number]) => number!)

    for (const [at, number] of numbers.entries()) {
      const [top = 0, sub = 0] = (numbers[at - 1] ?? '0').split('.').map(Number)
      assert.equal(number, number.includes('.') ? `${top}.${sub + 1}` : `${top + 1}`)
    }
    const own = spec.replaceAll(/(?:\[?OAP\/1(?:\]\([^)]*\))?|[a-z-]+\.md), section \d[.\d]*/g, '')
    for (const [, number] of own.matchAll(/\bsections? (\d+(?:\.\d+)?)/g))
      assert.ok(numbers.includes(number!), number)
  })

  test('gives every reason its status and the vectors use each of them', () => {
    const named = new Set(
      Array.from(spec.matchAll(/(\d{3}) `(cap_[a-z]+)`(?:, `reason=([a-z]+)`)?/g), ([, ...row]) =>
        row.join(' ').trim()
      )
    )
    const shown = [...vectors.invalid, ...vectors.calls].map(({ reason, status, detail }) =>
      [status, reason, detail].join(' ')
    )

    for (const row of named) {
      const [status, reason] = row.split(' ')
      assert.equal(new OapError(reason as 'cap_denied').status, Number(status), row)
      if (reason !== 'cap_missing')
        assert.ok(
          shown.some(one => one.startsWith(row)),
          row
        )
    }
    assert.ok(named.size >= 9, `${named.size} refusals`)
  })
})
