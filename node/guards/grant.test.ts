import assert from 'node:assert/strict'
import test from 'node:test'
import { OapError, tenantBytes } from '../../protocols/index.ts'
import type { Granted } from '../../protocols/index.ts'
import { Grant } from './grant.ts'
import type { GrantTerms, GrantUse } from './grant.ts'

const CLINIC = '11111111-2222-3333-4444-555555555555'
const ARCHIVE = '99999999-2222-3333-4444-555555555555'
const IN = '0a'.repeat(16)
const OUT = '0b'.repeat(16)
const BOTH = '0c'.repeat(16)
const NOW_S = 1_800_000_000
const plenty = { burst: 1e6, perSecond: 1e6 }

const terms: GrantTerms = {
  hub: `h1${'b'.repeat(52)}`,
  verbs: ['mailbox:send', 'mailbox:recv', 'echo:call'],
  shares: [
    { id: IN, tenant: CLINIC, dir: 'in', topics: ['dispatch/*', 'orders/**'] },
    { id: OUT, tenant: ARCHIVE, dir: 'out', topics: ['results/**'] },
    { id: BOTH, tenant: ARCHIVE, dir: 'both', topics: ['talk', 'orders/both'] }
  ],
  rates: { calls: plenty, bytes: plenty, streams: 8 },
  expires: NOW_S + 100
}

const send: GrantUse = {
  verb: 'mailbox:send',
  isOfTopic: true,
  topic: 'dispatch/SF',
  isOfContent: false,
  share: undefined,
  brings: true,
  tenantId: undefined,
  now: NOW_S
}
const recv: GrantUse = { ...send, verb: 'mailbox:recv', topic: 'results/7', brings: false }
const echo: GrantUse = { ...send, verb: 'echo:call', isOfTopic: false, topic: undefined, brings: false }

const judged = (use: GrantUse, changed: Partial<GrantTerms> = {}) => {
  const verdict = new Grant({ ...terms, ...changed }).judge(use)
  return verdict instanceof OapError ? [verdict.status, verdict.code, verdict.reason] : verdict
}

test('a call about a topic is served as the tenant of the share that holds it, the hub as principal', () => {
  const principal = `hub:${terms.hub}`

  assert.deepEqual(
    { ...(judged(send) as object) },
    { ...(judged(send) as object), principal, tenant: CLINIC, share: IN }
  )
  assert.deepEqual([judged(recv)].map(tenantOf), [ARCHIVE])
  assert.deepEqual([judged({ ...recv, topic: 'talk' })].map(tenantOf), [ARCHIVE])
  assert.deepEqual([judged({ ...send, topic: 'talk' })].map(tenantOf), [ARCHIVE])
})

test('a call about no topic has no share and is no tenant’s', () => {
  const { principal, tenant, share } = judged(echo) as Exclude<ReturnType<Grant['judge']>, OapError>

  assert.deepEqual(
    [principal, tenant, share],
    [`hub:${terms.hub}`, '00000000-0000-0000-0000-000000000000', undefined]
  )
})

for (const [what, use, reason] of [
  ['a verb that the treaty does not name', { ...send, verb: 'mailbox:delete' }, 'verb'],
  ['a topic outside all shares', { ...send, topic: 'private/x' }, 'topic'],
  ['a topic that is none', { ...send, topic: 'dispatch/*' }, 'topic'],
  ['a call that names no topic where it should', { ...send, topic: undefined }, 'topic'],
  ['bringing in what only goes out', { ...send, topic: 'results/7' }, 'dir'],
  ['taking out what only comes in', { ...recv, topic: 'dispatch/SF' }, 'dir'],
  ['a topic that two shares hold', { ...send, topic: 'orders/both' }, 'share'],
  ['a share that is not there', { ...send, share: '0f'.repeat(16) }, 'share'],
  ['a share that is no text', { ...send, share: 7 }, 'share'],
  ['a share that does not hold the topic', { ...send, share: BOTH }, 'topic'],
  ['a share that goes the other way', { ...send, share: OUT, topic: 'results/7' }, 'dir'],
  ['content, of which a treaty of topics says nothing', { ...echo, isOfContent: true }, 'content'],
  ['another tenant than the share’s', { ...send, tenantId: tenantBytes(ARCHIVE) }, 'tenant'],
  ['a tenant where there is no share', { ...echo, tenantId: tenantBytes(CLINIC) }, 'tenant']
] as const satisfies readonly (readonly [string, GrantUse, string])[]) {
  test(`refuses ${what} with reason ${reason}`, () => {
    assert.deepEqual(judged(use), [403, 'cap_denied', reason])
  })
}

test('a frame may name the tenant of the share, and a call the share of its topic', () => {
  assert.equal(tenantOf(judged({ ...send, tenantId: tenantBytes(CLINIC) })), CLINIC)
  assert.equal(tenantOf(judged({ ...send, topic: 'orders/both', share: BOTH })), ARCHIVE)
  assert.equal(tenantOf(judged({ ...send, topic: 'orders/both', share: IN })), CLINIC)
})

test('content of the classes of the treaty may be read, and not changed', () => {
  const reads = { ...echo, isOfContent: true }
  const classes = ['public', 'federated'] as const

  const granted = judged(reads, { classes }) as Granted
  assert.deepEqual([granted.classes, granted.share], [classes, undefined])
  assert.deepEqual(judged({ ...reads, changes: true }, { classes }), [403, 'cap_denied', 'content'])
  assert.deepEqual(judged(reads, { classes: [] }), [403, 'cap_denied', 'content'])
})

test('ends at its second and not before', () => {
  assert.equal(tenantOf(judged({ ...send, now: NOW_S + 99 })), CLINIC)
  assert.deepEqual(judged({ ...send, now: NOW_S + 100 }), [401, 'cap_expired', 'expires'])
  assert.equal(tenantOf(judged({ ...send, now: NOW_S + 100 }, { expires: undefined })), CLINIC)
})

test('no share is nobody’s', () => {
  const nil = { id: IN, tenant: '00000000-0000-0000-0000-000000000000', dir: 'in', topics: ['a'] } as const

  assert.throws(() => new Grant({ ...terms, shares: [nil] }), RangeError)
})

const tenantOf = (verdict: unknown): unknown => (verdict as { readonly tenant?: unknown }).tenant
