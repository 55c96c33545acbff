import assert from 'node:assert/strict'
import test from 'node:test'
import { hubId } from '../../federation/index.ts'
import { ConfigError, loadConfig } from './index.ts'

// The public keys of two of RFC 8032's examples.
const HUBS = [
  'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
  '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c'
].map(key => hubId(Buffer.from(key, 'hex')))

const load = (text: string, path = 'conf/omnigate.toml') => loadConfig({ file: { path, text } }).config
const problemsOf = (text: string): readonly string[] => {
  try {
    load(text)
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    return error.problems
  }
  return []
}

test('nobody is allowed to federate unless the configuration says so', () => {
  assert.deepEqual(load('').federation.peers, [])
})

test('takes peers as tables, with a treaty in them or the path of one, seen from the file', () => {
  const { peers } = load(
    `[[federation.peers]]
hub = "${HUBS[0]}"
addresses = ["/dns4/hub.example.org/tcp/4801"]
note = "the clinic"
treaty = "treaties/clinic.toml"

[[federation.peers]]
hub = "${HUBS[1]}"
[federation.peers.treaty]
verbs = ["echo:call"]
`,
    '/etc/omnigate/omnigate.toml'
  ).federation

  assert.equal(peers[0]?.treaty, '/etc/omnigate/treaties/clinic.toml')
  assert.deepEqual({ ...peers[1] }, { hub: HUBS[1], treaty: { verbs: ['echo:call'] } })
  assert.ok([peers, peers[0], peers[0]?.addresses, peers[1]?.treaty].every(Object.isFrozen))
})

test('names each entry that is wrong, and what in it', () => {
  const text = `
[[federation.peers]]
hub = "h1nothing"
[[federation.peers]]
hub = "${HUBS[0]}"
adresses = []
treaty = 7
[[federation.peers]]
hub = "${HUBS[0]}"
addresses = ["hub.example.org:4801", "/ip4/1.2.3.4/tcp/1"]
note = "two\\nlines"
[[federation.peers]]
note = "who?"
`
  assert.deepEqual(
    problemsOf(text).map(problem => problem.replace(' (file conf/omnigate.toml)', '')),
    [
      'federation.peers[0].hub: not a hub id',
      'federation.peers[1]: unknown member "adresses"',
      'federation.peers[1].treaty: neither a table nor the path of a file',
      'federation.peers[2].addresses[0]: not a multiaddr: write /ip4/ADDRESS/tcp/PORT',
      'federation.peers[2].note: not one line of text',
      'federation.peers[3].hub: missing',
      'federation.peers[2].hub: stands there already'
    ]
  )
})

test('a list that is none is refused by its own name', () => {
  assert.deepEqual(problemsOf('[federation]\npeers = "h1"\n'), [
    'federation.peers: expected a list (file conf/omnigate.toml)'
  ])
  assert.deepEqual(problemsOf('[federation]\npeers = ["h1"]\n'), [
    'federation.peers[0]: expected an object of hub (file conf/omnigate.toml)'
  ])
})

test('more peers than there may be are refused before any is looked at', () => {
  const text = `[federation]\npeers = [${Array(1025).fill('{}').join(', ')}]\n`

  assert.deepEqual(problemsOf(text), [
    'federation.peers: expected 0 to 1024 values, found 1025 (file conf/omnigate.toml)'
  ])
})
