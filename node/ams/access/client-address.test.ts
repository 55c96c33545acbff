import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { networkProblem, networksOf, parseIp, siteOf, sourceOf } from './addresses.ts'
import { clientAddress } from './client-address.ts'

const NOBODY = networksOf([])
const PROXIES = networksOf(['10.0.0.0/8', 'fd00::/8', '192.0.2.7'])

const CLIENTS: readonly (readonly [string, string | undefined, readonly string[], string])[] = [
  ['a direct caller', '203.0.113.9', [], '203.0.113.9'],
  ['a direct caller that says it is another', '203.0.113.9', ['127.0.0.1'], '203.0.113.9'],
  ['a caller behind a proxy', '10.0.0.1', ['203.0.113.9'], '203.0.113.9'],
  ['a proxy alone on a list', '192.0.2.7', ['203.0.113.9'], '203.0.113.9'],
  [
    'a caller that invents one before the proxy adds it',
    '10.0.0.1',
    ['127.0.0.1, 203.0.113.9'],
    '203.0.113.9'
  ],
  ['a caller that names a trusted proxy itself', '10.0.0.1', ['10.9.9.9, 203.0.113.9'], '203.0.113.9'],
  ['a caller behind two proxies', '10.0.0.1', ['203.0.113.9, 10.0.0.2'], '203.0.113.9'],
  ['a caller that sends a line of its own', '10.0.0.1', ['127.0.0.1', '203.0.113.9'], '203.0.113.9'],
  ['a proxy on a socket of both families', '::ffff:10.0.0.1', ['203.0.113.9'], '203.0.113.9'],
  ['an address that is mapped', '10.0.0.1', ['::ffff:203.0.113.9'], '203.0.113.9'],
  ['IPv6 behind IPv6', 'fd00::1', ['2001:DB8::1'], '2001:db8::1'],
  ['an address with a port', '10.0.0.1', ['203.0.113.9:4711'], '203.0.113.9'],
  ['IPv6 with a port', '10.0.0.1', ['[2001:db8::1]:4711'], '2001:db8::1'],
  ['a proxy that tells nothing', '10.0.0.1', [], '10.0.0.1'],
  ['a proxy that tells of nobody', '10.0.0.1', ['unknown'], '10.0.0.1'],
  ['a name in place of an address', '10.0.0.1', ['203.0.113.9, localhost'], '10.0.0.1'],
  ['an empty place at the end', '10.0.0.1', ['203.0.113.9,'], '10.0.0.1'],
  ['digits that are no address', '10.0.0.1', ['203.0.113.999'], '10.0.0.1'],
  ['an address in octal', '10.0.0.1', ['0177.0.0.1'], '10.0.0.1'],
  ['an address with a zone', '10.0.0.1', ['fe80::1%eth0'], '10.0.0.1'],
  ['an address in quotes', '10.0.0.1', ['"203.0.113.9"'], '10.0.0.1'],
  ['proxies alone', '10.0.0.1', ['10.0.0.3, 10.0.0.2'], '10.0.0.3'],
  ['a socket of this machine', undefined, ['203.0.113.9'], 'local'],
  ['a link-local socket', 'fe80::1%eth0', [], 'fe80::1']
]

for (const [what, remote, forwardedFor, client] of CLIENTS) {
  test(`${what}: ${client}`, () => assert.equal(clientAddress(remote, forwardedFor, PROXIES), client))
}

test('where no proxy is trusted nobody is believed', () => {
  assert.equal(clientAddress('10.0.0.1', ['203.0.113.9'], NOBODY), '10.0.0.1')
})

test('of a thousand proxies the first sixteen are looked at', () => {
  const told = Array.from({ length: 1000 }, (_, n) => `10.1.${n >> 8}.${n & 255}`)

  assert.equal(clientAddress('10.0.0.1', ['203.0.113.9', ...told], PROXIES), told[1000 - 16])
})

test('whatever is forwarded, the caller is itself, or an address that a proxy told', () => {
  const part = fc.oneof(
    fc.ipV4(),
    fc.ipV6(),
    fc.string({ maxLength: 20 }),
    fc.constantFrom('10.0.0.9', 'fd00::9', '', '127.0.0.1', '::ffff:10.0.0.8')
  )
  const lines = fc.array(
    fc.array(part, { maxLength: 6 }).map(parts => parts.join(', ')),
    { maxLength: 3 }
  )
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), fc.constant('10.0.0.1')), lines, (remote, told) => {
      const client = clientAddress(remote, told, PROXIES)
      const self = parseIp(remote)!
      assert.equal(parseIp(client), client)
      if (!PROXIES.has(self)) assert.equal(client, self)
      assert.equal(clientAddress(remote, told, NOBODY), self)
      assert.equal(sourceOf(client).includes(':'), client.includes(':'))
    })
  )
})

const SOURCES = [
  ['203.0.113.77', '203.0.113.77', undefined],
  ['::ffff:203.0.113.77', '203.0.113.77', undefined],
  ['::FFFF:cb00:714d', '203.0.113.77', undefined],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64', '2001:db8:1::/48'],
  ['2001:0DB8:1:2::9', '2001:db8:1:2::/64', '2001:db8:1::/48'],
  ['2001:db8::1', '2001:db8:0:0::/64', '2001:db8:0::/48'],
  ['::1', '0:0:0:0::/64', '0:0:0::/48'],
  ['1:2:3:4:5:6:7::', '1:2:3:4::/64', '1:2:3::/48']
] as const

for (const [text, source, site] of SOURCES) {
  test(`${text} is of the source ${source}`, () => {
    const ip = parseIp(text)!

    assert.equal(sourceOf(ip), source)
    assert.equal(siteOf(ip), site)
  })
}

for (const text of ['', 'localhost', '1.2.3', '1.2.3.4.5', '1.2.3.04', '[::1]', ':::', '::1::', ' 1.2.3.4'])
  test(`${JSON.stringify(text)} is no address`, () => assert.equal(parseIp(text), undefined))

for (const text of [
  '0.0.0.0/0',
  '::/0',
  '10.0.0.0/33',
  'fd00::/129',
  'proxy.example',
  '10.0.0.0/',
  '10/8',
  ''
])
  test(`${JSON.stringify(text)} is no network of proxies`, () => {
    assert.equal(typeof networkProblem(text), 'string')
    assert.throws(() => networksOf([text]), RangeError)
  })
