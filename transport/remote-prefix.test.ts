import assert from 'node:assert/strict'
import { test } from 'node:test'
import { multiaddr } from '@multiformats/multiaddr'
import { isLoopback, prefixOf, prefixOfIp } from './remote-prefix.ts'

const PREFIXES = [
  ['/ip4/203.0.113.77/tcp/1', '203.0.113.0/24'],
  ['/ip4/203.0.113.1/tcp/2/ws', '203.0.113.0/24'],
  ['/ip6/::ffff:203.0.113.9/tcp/1', '203.0.113.0/24'],
  ['/ip6/2001:db8:1:2:3:4:5:6/tcp/1', '2001:db8:1:2::/64'],
  ['/ip6/2001:0DB8:1:2::9/tcp/1', '2001:db8:1:2::/64'],
  ['/ip6/2001:db8::1/tcp/1', '2001:db8:0:0::/64'],
  ['/ip6/::1/tcp/1', '0:0:0:0::/64'],
  ['/ip6zone/eth0/ip6/fe80::1/tcp/1', 'fe80:0:0:0::/64'],
  ['/unix/%2Frun%2Fx.sock', 'local'],
  ['/dns4/hub.example/tcp/1', 'unknown']
] as const

for (const [address, prefix] of PREFIXES) {
  test(`${address} belongs to ${prefix}`, () => assert.equal(prefixOf(multiaddr(address)), prefix))
}

const IP_PREFIXES = [
  ['203.0.113.77', '203.0.113.0/24'],
  ['::ffff:203.0.113.9', '203.0.113.0/24'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64']
] as const

for (const [ip, prefix] of IP_PREFIXES) {
  test(`the IP address ${ip} belongs to ${prefix}`, () => assert.equal(prefixOfIp(ip), prefix))
}

const LOOPBACK = [
  '/ip4/127.0.0.1/tcp/1',
  '/ip4/127.9.9.9/tcp/1',
  '/ip6/::1/tcp/1',
  '/ip6/::ffff:127.0.0.1/tcp/1'
]
const REMOTE = [
  '/ip4/128.0.0.1/tcp/1',
  '/ip6/::2/tcp/1',
  '/ip6/::ffff:1.0.0.127/tcp/1',
  '/dns4/localhost/tcp/1'
]

test('loopback addresses are told from others', () => {
  assert.deepEqual(
    LOOPBACK.map(address => isLoopback(multiaddr(address))),
    [true, true, true, true]
  )
  assert.deepEqual(
    REMOTE.map(address => isLoopback(multiaddr(address))),
    [false, false, false, false]
  )
})
