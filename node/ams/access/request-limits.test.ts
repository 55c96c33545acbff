import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEFAULT_RATES } from './access-rates.ts'
import type { AccessRates } from './access-rates.ts'
import { rateFields, tooMany } from './rate-fields.ts'
import { RequestLimits } from './request-limits.ts'
import type { Asked } from './request-limits.ts'

const MINUTE_MS = 60_000
const asked: Asked = {
  ip: '203.0.113.9',
  agent: 'curl/8',
  kind: 'write',
  isKnown: false,
  tenant: 'default',
  app: 'ams',
  token: 'anonymous'
}

/** How many of the requests are let through, all at `now`. */
function through(limits: RequestLimits, requests: Iterable<Partial<Asked>>, now = 0): number {
  let count = 0
  for (const request of requests) if (limits.admit({ ...asked, ...request }, now).spent === undefined) count++
  return count
}

const times = <T>(count: number, one: (n: number) => T): T[] =>
  Array.from({ length: count }, (_, n) => one(n))
const same = (count: number, one: Partial<Asked> = {}) => times(count, () => one)

test('whoever has no token has 30 writes and 200 reads a minute, apart from each other', () => {
  const limits = new RequestLimits(DEFAULT_RATES)

  assert.equal(through(limits, same(100)), 30)
  assert.equal(through(limits, same(300, { kind: 'read' })), 200)
  assert.equal(through(limits, same(100), MINUTE_MS), 30)
})

test('who keeps to the documented limits is never refused, while a flood from beside it is', () => {
  const limits = new RequestLimits(DEFAULT_RATES)

  let refused = 0
  let flooded = 0
  for (let second = 0; second < 600; second += 2) {
    if (through(limits, [{}], second * 1000) === 0) refused++
    flooded += through(limits, same(50, { ip: '203.0.113.10' }), second * 1000)
  }

  assert.equal(refused, 0)
  assert.ok(flooded <= 30 + 300, `${flooded} of 15000`)
})

test('a User-Agent that changes with every request gets around nothing', () => {
  const limits = new RequestLimits(DEFAULT_RATES)

  assert.equal(
    through(
      limits,
      times(1000, n => ({ agent: `agent ${n}` }))
    ),
    30
  )
})

test('one User-Agent of a source can be bounded more closely than the source', () => {
  const rates = { ...DEFAULT_RATES.anonymous, agent: { read: 2, write: 2 } }
  const limits = new RequestLimits({ ...DEFAULT_RATES, anonymous: rates })

  assert.equal(through(limits, same(10)), 2)
  const { spent } = limits.admit(asked, 0)
  assert.equal(spent?.bucket, 'ip_agent')
  assert.equal(through(limits, same(10, { agent: 'another' })), 2)
})

test('made-up User-Agents push nobody else out', () => {
  const limits = new RequestLimits(DEFAULT_RATES, { capacity: 64 })
  through(limits, same(1, { ip: '198.51.100.1' }))

  through(
    limits,
    times(10_000, n => ({ agent: `agent ${n}` }))
  )

  assert.ok(limits.size <= 40, `${limits.size}`)
  assert.equal(through(limits, same(100, { ip: '198.51.100.1' })), 29)
})

test('where the table of User-Agents is full, making up more of them costs the source, too', () => {
  const limits = new RequestLimits(DEFAULT_RATES, { capacity: 8 })

  const buckets = times(100, n => limits.admit({ ...asked, agent: `agent ${n}` }, 0).spent?.bucket)

  assert.ok(buckets.includes('ip_agent'))
  assert.deepEqual(new Set(buckets.slice(30)), new Set(['ip']))
})

test('all addresses of one IPv6 /64 are one source', () => {
  const limits = new RequestLimits(DEFAULT_RATES)

  assert.equal(
    through(
      limits,
      times(1000, n => ({ ip: `2001:db8:1:2::${n.toString(16)}` }))
    ),
    30
  )
  assert.equal(through(limits, same(100, { ip: '2001:db8:1:3::1' })), 30)
})

test('all networks of one IPv6 /48 have as much as 16 sources', () => {
  const limits = new RequestLimits(DEFAULT_RATES)

  assert.equal(
    through(
      limits,
      times(5000, n => ({ ip: `2001:db8:1:${n.toString(16)}::1` }))
    ),
    16 * 30
  )
  assert.equal(limits.admit({ ...asked, ip: '2001:db8:1:ffff::1' }, 0).spent?.bucket, 'ip_site')
  assert.equal(through(limits, same(100, { ip: '2001:db8:2:1::1' })), 30)
})

test('a flood of callers without a token leaves those who have one their part of the tenant', () => {
  const few = { read: 5, write: 5 }
  const rates: AccessRates = {
    ...DEFAULT_RATES,
    anonymous: { ...DEFAULT_RATES.anonymous, tenantApp: few },
    known: { ...DEFAULT_RATES.known, tenantApp: few }
  }
  const limits = new RequestLimits(rates)

  assert.equal(
    through(
      limits,
      times(100, n => ({ ip: `203.0.113.${n}` }))
    ),
    5
  )
  assert.equal(limits.admit({ ...asked, ip: '198.51.100.7' }, 0).spent?.bucket, 'tenant_app')
  assert.equal(through(limits, same(100, { isKnown: true, token: 'bot' })), 5)
  assert.equal(through(limits, same(100, { isKnown: true, token: 'bot', tenant: 'another' })), 5)
})

test('a token has its own rate, whatever sources show it', () => {
  const rates = { ...DEFAULT_RATES.known, token: { read: 4, write: 4 } }
  const limits = new RequestLimits({ ...DEFAULT_RATES, known: rates })

  assert.equal(
    through(
      limits,
      times(50, n => ({ ip: `198.51.100.${n}`, isKnown: true, token: 'bot' }))
    ),
    4
  )
  assert.equal(through(limits, same(50, { isKnown: true, token: 'another' })), 4)
})

test('a request that the source may not make costs the tenant nothing', () => {
  const rates = { ...DEFAULT_RATES.anonymous, tenantApp: { read: 31, write: 31 } }
  const limits = new RequestLimits({ ...DEFAULT_RATES, anonymous: rates })

  through(limits, same(1000))

  assert.equal(through(limits, same(5, { ip: '198.51.100.1' })), 1)
})

test('after ten tokens that are not good a source has to wait, and no other', () => {
  const limits = new RequestLimits(DEFAULT_RATES)
  const { ip } = asked

  for (let n = 0; n < 10; n++) {
    assert.equal(limits.guessRefusal(ip, 0), undefined)
    assert.equal(limits.tokenFailed(ip, 0), undefined)
  }

  const spent = { bucket: 'failed_tokens', perMinute: 10, left: 0, resetMs: 6000 }
  assert.deepEqual(limits.tokenFailed(ip, 0), spent)
  assert.deepEqual(limits.guessRefusal(ip, 0), spent)
  assert.equal(limits.guessRefusal('198.51.100.1', 0), undefined)
  assert.equal(limits.guessRefusal(ip, 6000), undefined)
})

test('a hundred thousand sources leave the tables no larger than they may be, and none gains by it', () => {
  const limits = new RequestLimits(DEFAULT_RATES, { capacity: 1000 })
  through(limits, same(30))

  through(
    limits,
    times(100_000, n => ({ ip: `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}` }))
  )

  assert.ok(limits.size <= 4000, `${limits.size}`)
  assert.equal(through(limits, same(10)), 0)
})

test('a refusal says which bucket, how much it takes a minute, and when to ask again', () => {
  const limits = new RequestLimits(DEFAULT_RATES)
  through(limits, same(30))

  const { spent } = limits.admit(asked, 500)

  assert.deepEqual(tooMany(spent!), {
    code: 'rate_limited',
    message: 'too many requests for ip: 30 a minute; ask again in 2 s',
    headers: { 'retry-after': '2', 'ratelimit-policy': '"ip";q=30;w=60', ratelimit: '"ip";r=0;t=2' },
    members: { bucket: 'ip', limit_per_min: 30, retry_after_sec: 2 }
  })
  assert.equal(through(limits, same(1), 2000), 1)
})

test('an answer tells how the source stands, and nothing of others', () => {
  const limits = new RequestLimits(DEFAULT_RATES)
  through(limits, same(4, { agent: 'another' }))

  const { levels } = limits.admit(asked, 0)

  assert.deepEqual(rateFields(levels), {
    'ratelimit-policy': '"ip";q=30;w=60, "ip_agent";q=30;w=60',
    ratelimit: '"ip";r=25;t=10'
  })
  assert.deepEqual(rateFields([]), {})
})
