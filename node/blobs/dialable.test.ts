import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { dialable } from './dialable.ts'

const PEER = '12D3KooWGRUVh7rJGs3vBvGvTRgsRYGSmUJ9zJhgFcnjAzsTJeSV'
const OTHER = '12D3KooWAfPDpPRRRBrmqy9is2zjU5srQ4hKuZitiGmh4NTTpS2d'
const PUBLIC = '/ip4/198.51.100.7/tcp/4001'
const PRIVATE = '/ip4/192.168.1.7/tcp/4001'
const LOOPBACK = '/ip4/127.0.0.1/tcp/4001'
const SCOPES = [PUBLIC, PRIVATE, LOOPBACK]

const ended = (...addresses: readonly string[]): string[] => addresses.map(one => `${one}/p2p/${PEER}`)

void describe('addresses that somebody else told', () => {
  void test('are dialled no nearer than the farthest of our own', () => {
    assert.deepEqual(dialable(PEER, SCOPES, [LOOPBACK]), ended(PUBLIC, PRIVATE, LOOPBACK))
    assert.deepEqual(dialable(PEER, SCOPES, [LOOPBACK, PRIVATE]), ended(PUBLIC, PRIVATE))
    assert.deepEqual(dialable(PEER, SCOPES, [LOOPBACK, PRIVATE, PUBLIC]), ended(PUBLIC))
    assert.deepEqual(dialable(PEER, SCOPES, []), ended(PUBLIC))
    assert.deepEqual(dialable(PEER, SCOPES, [LOOPBACK, '/dns4/hub.example/tcp/4001']), ended(PUBLIC))
  })

  void test('end in the peer that is meant, or are not dialled', () => {
    assert.deepEqual(dialable(PEER, [`${PUBLIC}/p2p/${PEER}`], [LOOPBACK]), ended(PUBLIC))
    assert.deepEqual(dialable(PEER, [`${PUBLIC}/p2p/${OTHER}`], [LOOPBACK]), [])
  })

  void test('are IPv6 and WebSockets too', () => {
    const told = ['/ip6/2001:db8::7/tcp/4001', '/ip4/198.51.100.7/tcp/443/ws']

    assert.deepEqual(dialable(PEER, told, [PUBLIC]), ended(...told))
  })

  for (const [what, address] of [
    ['a name', '/dns4/intranet/tcp/80'],
    ['a relay', `${PUBLIC}/p2p/${OTHER}/p2p-circuit`],
    ['a socket', '/unix/run/docker.sock'],
    ['no port', '/ip4/198.51.100.7/tcp/0'],
    ['a port that is none', '/ip4/198.51.100.7/tcp/70000'],
    ['another transport', '/ip4/198.51.100.7/udp/53'],
    ['link-local', '/ip4/169.254.169.254/tcp/80'],
    ['unspecified', '/ip4/0.0.0.0/tcp/4001'],
    ['multicast', '/ip4/224.0.0.1/tcp/4001'],
    ['IPv6 for IPv4', '/ip6/127.0.0.1/tcp/4001'],
    ['a number that is no address', '/ip4/127.1/tcp/4001'],
    ['nothing', '']
  ] as const)
    void test(`are not dialled where they say ${what}`, () => {
      assert.deepEqual(dialable(PEER, [address], [LOOPBACK]), [])
    })

  void test('that hide IPv4 in IPv6 count as what they hide', () => {
    assert.deepEqual(dialable(PEER, ['/ip6/::ffff:192.168.1.7/tcp/4001'], [PUBLIC]), [])
    assert.deepEqual(dialable(PEER, ['/ip6/::ffff:127.0.0.1/tcp/4001'], [PRIVATE]), [])
    assert.deepEqual(dialable(PEER, ['/ip6/64:ff9b::a00:1/tcp/4001'], [PUBLIC]), [])
    for (const hidden of ['::127.0.0.1', '::a00:1', '::ffff:0:127.0.0.1', '::ffff:0:7f00:1', '2001:0:1::1'])
      assert.deepEqual(dialable(PEER, [`/ip6/${hidden}/tcp/4001`], [PUBLIC]), [], hidden)
  })

  void test('that only one network knows are of that network', () => {
    for (const own of ['/ip6/fec0::3/tcp/4001', '/ip4/198.18.0.1/tcp/4001', '/ip4/192.0.0.8/tcp/4001']) {
      assert.deepEqual(dialable(PEER, [own], [PUBLIC]), [])
      assert.deepEqual(dialable(PEER, [own], [PRIVATE]), ended(own))
    }
  })

  void test('are of this machine where they are its loopback, in IPv6 too', () => {
    assert.deepEqual(dialable(PEER, ['/ip6/::1/tcp/4001'], [LOOPBACK]), ended('/ip6/::1/tcp/4001'))
    assert.deepEqual(dialable(PEER, ['/ip6/::1/tcp/4001'], [PRIVATE]), [])
  })

  void test('are four of a peer at most', () => {
    const many = Array.from({ length: 100 }, (_, n) => `/ip4/198.51.100.${n + 1}/tcp/4001`)

    assert.equal(dialable(PEER, many, [PUBLIC]).length, 4)
  })
})
