import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LOOPBACK_HOSTS, hostProblem, isForUs } from './host-rule.ts'
import { originOf, originProblem } from './origin-rule.ts'
import { requestIdOf } from './request-id.ts'

const HOSTS = new Set([...LOOPBACK_HOSTS, 'hub.example.org', 'other.example.org:8443'])

for (const host of [
  'localhost',
  'localhost:4803',
  'LOCALHOST:1',
  '127.0.0.1:4803',
  '[::1]:4803',
  'Hub.Example.Org',
  'hub.example.org:443',
  'other.example.org:8443'
])
  test(`answers to ${host}`, () => assert.ok(isForUs(['Host', host], HOSTS)))

for (const host of [
  '',
  'evil.example',
  'localhost.evil.example',
  'evil.example#localhost',
  'localhost@evil.example',
  'evil.example:localhost',
  'localhost:',
  'localhost:123456',
  'localhost, evil.example',
  'localhost.',
  '[::1',
  '127.0.0.2',
  '2130706433',
  'other.example.org',
  'other.example.org:443',
  '__proto__'
])
  test(`does not answer to ${JSON.stringify(host)}`, () => assert.ok(!isForUs(['Host', host], HOSTS)))

test('does not answer to two hosts, nor to none', () => {
  assert.ok(!isForUs(['host', 'localhost', 'Host', 'localhost'], HOSTS))
  assert.ok(!isForUs([], HOSTS))
})

const LISTED = new Set(['https://app.example.org'])
const HOST = ['host', 'localhost:4803'] as const
const ORIGINS: readonly (readonly [string, readonly string[], string])[] = [
  ['no browser', [], 'nowhere'],
  ['a listed one', ['Origin', 'https://app.example.org'], 'listed'],
  ['our own page', ['origin', 'http://localhost:4803', 'sec-fetch-site', 'same-origin'], 'own'],
  ['our own page of an old browser', ['origin', 'http://localhost:4803'], 'own'],
  ['another port of this machine', ['origin', 'http://localhost:3000'], 'foreign'],
  ['another site', ['origin', 'https://evil.example'], 'foreign'],
  ['a longer name', ['origin', 'https://app.example.org.evil.example'], 'foreign'],
  ['the listed name without TLS', ['origin', 'http://app.example.org'], 'foreign'],
  ['the listed name at another port', ['origin', 'https://app.example.org:8443'], 'foreign'],
  ['the listed name in capitals', ['origin', 'https://APP.example.org'], 'foreign'],
  ['a page that is kept nameless', ['origin', 'null'], 'foreign'],
  ['an empty origin', ['origin', ''], 'foreign'],
  ['two origins', ['origin', 'https://app.example.org', 'Origin', 'https://app.example.org'], 'foreign'],
  [
    'our own name, from another site',
    ['origin', 'http://localhost:4803', 'sec-fetch-site', 'same-site'],
    'foreign'
  ],
  ['another site that hides its origin', ['sec-fetch-site', 'cross-site'], 'foreign'],
  ['a person who typed the address', ['sec-fetch-site', 'none'], 'nowhere']
]

for (const [what, rawHeaders, from] of ORIGINS)
  test(`${what} is ${from}`, () => assert.equal(originOf([...HOST, ...rawHeaders], LISTED), from))

test('what no configuration may hold has a problem, what it may has none', () => {
  for (const host of [...HOSTS, '[fd00::1]:8443']) assert.equal(hostProblem(host), undefined, host)
  for (const host of ['', '*', 'Hub.example', 'https://hub.example', 'a b', 'hub/x'])
    assert.equal(typeof hostProblem(host), 'string', host)
  for (const origin of ['https://app.example.org', 'http://localhost:3000', 'http://[::1]:3000'])
    assert.equal(originProblem(origin), undefined, origin)
  for (const origin of ['', '*', 'null', 'https://app.example.org/', 'https://App.example', 'file://x'])
    assert.equal(typeof originProblem(origin), 'string', origin)
})

test('echoes the id of a request, and mints one for what is none', () => {
  const mint = (): string => 'minted'
  const longest = 'a'.repeat(128)

  assert.equal(requestIdOf(['X-Request-Id', 'job_7.a-B'], mint), 'job_7.a-B')
  assert.equal(requestIdOf(['x-request-id', longest], mint), longest)
  for (const bad of ['', `${longest}a`, 'a b', 'a\nb', '<x>', 'a,b', 'ä', '"'])
    assert.equal(requestIdOf(['x-request-id', bad], mint), 'minted', bad)
  assert.equal(requestIdOf(['x-request-id', 'a', 'x-request-id', 'a'], mint), 'minted')
  assert.match(requestIdOf([]), /^req_[0-9a-f]{32}$/)
})
