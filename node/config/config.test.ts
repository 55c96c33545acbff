import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { EXIT } from '../setup-error.ts'
import { ConfigError, defaultConfigText, explainConfig, loadConfig } from './index.ts'
import { configLeaves, configSchema } from './schema.ts'

test('is the defaults when nothing is given', () => {
  const { config, origins } = loadConfig()

  assert.equal(config.node.name, 'node1')
  assert.deepEqual(config.node.listen, ['/ip4/127.0.0.1/tcp/4801', '/ip4/127.0.0.1/tcp/4802/ws'])
  assert.equal(config.limits.maxFrameBytes, 1_048_576)
  assert.equal(config.strangers.loopbackIsKnown, false)
  assert.equal(origins['limits.maxFrameBytes'], 'default')
})

test('takes the command line over the environment, that over the file, and that over the default', () => {
  const text = '[limits]\nmaxInflight = 1\nhelloBurst = 2\nframeTimeoutMs = 300\n'
  const { config, origins } = loadConfig({
    file: { path: 'f.toml', text },
    env: { OMNIGATE_LIMITS__MAX_INFLIGHT: '4', OMNIGATE_LIMITS__HELLO_BURST: '5', PATH: '/bin' },
    flags: { 'limits.maxInflight': 6, 'node.name': undefined }
  })

  const { maxInflight, helloBurst, frameTimeoutMs, idleTimeoutMs } = config.limits
  assert.deepEqual([maxInflight, helloBurst, frameTimeoutMs, idleTimeoutMs], [6, 5, 300, 60_000])
  assert.equal(origins['limits.maxInflight'], 'command line')
  assert.equal(origins['limits.helloBurst'], 'environment OMNIGATE_LIMITS__HELLO_BURST')
  assert.equal(origins['limits.frameTimeoutMs'], 'file f.toml')
  assert.equal(origins['limits.idleTimeoutMs'], 'default')
})

test('leaves the variables of client commands alone', () => {
  assert.deepEqual(loadConfig({ env: { OMNIGATE_CLIENT_KEY: 'key' } }).config, loadConfig().config)
})

test('reads whole numbers, booleans and lists from the environment', () => {
  const { config } = loadConfig({
    env: {
      OMNIGATE_NODE__LISTEN: '/ip4/127.0.0.1/tcp/1, /ip6/::1/tcp/2/ws',
      OMNIGATE_NODE__ANNOUNCE: '',
      OMNIGATE_TRANSPORT__TUNED: 'false'
    }
  })

  assert.deepEqual(config.node.listen, ['/ip4/127.0.0.1/tcp/1', '/ip6/::1/tcp/2/ws'])
  assert.deepEqual(config.node.announce, [])
  assert.equal(config.transport.tuned, false)
})

test('is frozen to the last list', () => {
  const { config, origins } = loadConfig()

  assert.ok([config, config.node, config.node.listen, origins].every(Object.isFrozen))
})

test('tells every problem of every source at once, each with its path', () => {
  const text = [
    'extra = 1',
    '[node]',
    'listen = ["/ip4/127.0.0.1/tcp/1", "nonsense"]',
    'nmae = "a"',
    '[limits]',
    'maxInflight = 1.5',
    'maxFrameBytes = 10',
    '[nodes]'
  ].join('\n')
  const error = refused({
    file: { path: 'f.toml', text },
    env: { OMNIGATE_LOG__LEVEL: 'loud', OMNIGATE_LOG__LEVLE: 'info' },
    flags: { 'log.nothing': 1 }
  })

  assert.deepEqual(error.problems, [
    'log.nothing: unknown key on the command line',
    'OMNIGATE_LOG__LEVLE: unknown environment variable; did you mean OMNIGATE_LOG__LEVEL?',
    `extra: unknown section in f.toml; known are ${Object.keys(configSchema.properties).join(', ')}`,
    'node.nmae: unknown key in f.toml; did you mean name?',
    'nodes: unknown section in f.toml; did you mean node?',
    'node.listen[1]: not a multiaddr: write /ip4/ADDRESS/tcp/PORT (file f.toml)',
    'limits.maxFrameBytes: must be at least 66000 (file f.toml)',
    'limits.maxInflight: must be a whole number (file f.toml)',
    'log.level: must be one of fatal, error, warn, info, debug, trace, silent (environment OMNIGATE_LOG__LEVEL)'
  ])
  assert.equal(error.message.includes('\n'), false)
  assert.equal(error.exitCode, EXIT.config)
})

test('names file, line and column of a TOML mistake', () => {
  const error = refused({ file: { path: 'conf/f.toml', text: '[node]\nname = \n' } })

  assert.match(error.message, /^conf\/f\.toml:2:\d+: /)
})

test('ends with a code of its own when only addresses are wrong', () => {
  const error = refused({ flags: { 'node.listen': ['/ip4/127.0.0.1/udp/1/quic-v1', '/ip4/1.2.3/tcp/5'] } })

  assert.equal(error.exitCode, EXIT.badAddress)
  assert.equal(error.problems.length, 2)
})

const WRONG: readonly (readonly [string, unknown, RegExp])[] = [
  ['node.name', 'Upper', /1 to 63 of a-z/],
  ['node.name', '', /1 to 63/],
  ['node.name', 'a'.repeat(64), /1 to 63/],
  ['node.listen', [], /at least 1/],
  ['node.listen', ['/ip4/1.2.3.4/tcp/1', '/ip4/1.2.3.4/tcp/1'], /twice/],
  ['node.listen', ['/ip4/1.2.3.4/tcp/70000'], /not a multiaddr/],
  ['node.announce', ['/dns4/example.org'.padEnd(600, 'x')], /longer than 512/],
  ['transport.encryption', [], /at least 1/],
  ['transport.encryption', ['plain'], /one of noise, tls/],
  ['transport.encryption', ['tls', 'tls'], /twice/],
  ['transport.tuned', 'yes', /true or false/],
  ['limits.maxFrameBytes', 1_048_577, /at most 1048576/],
  ['limits.maxInflight', '64', /whole number/],
  ['compression.maxRatio', 11, /at most 10/],
  ['http.listen', '0.0.0.0:80', /http\.listen: must be a loopback address unless gateway\.remote/],
  ['http.listen', '0.0.0.0:80', /gateway\.write_mode: must be token where others can reach it/],
  ['gateway.private', true, /gateway\.write_mode: must be token where reading needs one/],
  ['gateway.hosts', ['Hub.example.org'], /small letters/],
  ['gateway.origins', ['app.example.org'], /must be an origin/],
  ['gateway.trusted_proxies', ['0.0.0.0/0'], /holds every address/],
  ['gateway.sandbox', 'private', /public/],
  ['gateway.types', ['a note'], /visible characters/],
  ['http.listen', 'localhost:80', /ADDRESS:PORT/],
  ['http.listen', '127.0.0.1:65536', /ADDRESS:PORT/],
  ['strangers.maxSharePercent', 101, /at most 100/],
  ['strangers.bufferBytes', 67_108_864 + 1, /at most/],
  ['limits.idleTimeoutMs', 1000, /firstFrameTimeoutMs: must not exceed/],
  ['mailbox.idemWindowMs', 299_999, /must not be shorter than mailbox\.maxVisibilityMs/],
  ['mailbox.maxVisibilityMs', 29_999, /visibilityMs: must not exceed mailbox\.maxVisibilityMs/],
  ['mailbox.topics', ['a dead_letter_topic=a'], /its own topics/],
  ['mailbox.topics', ['a dead_letter_topic=b', 'b dead_letter_topic=a'], /must not lead in a circle/]
]

for (const [path, value, message] of WRONG) {
  test(`refuses ${path} = ${JSON.stringify(value).slice(0, 60)}`, () => {
    assert.match(refused({ flags: { [path]: value } }).message, message)
  })
}

test('a public sandbox is one by its name alone, and needs rate limits', () => {
  const flags = { 'http.listen': '0.0.0.0:80', 'gateway.sandbox': 'public' }

  assert.equal(loadConfig({ flags }).config.gateway.write_mode, 'open')
  assert.match(refused({ flags: { ...flags, 'gateway.rate_limits': false } }).message, /needs rate limits/)
  assert.match(
    refused({ flags: { ...flags, 'gateway.write_requires_token': true } }).message,
    /must be empty where write_mode is token/
  )
})

test('another address is taken where it is meant and writes need a token', () => {
  const flags = { 'http.listen': '0.0.0.0:80', 'gateway.remote': true }

  for (const key of ['gateway.write_requires_token', 'security.write_requires_auth'])
    assert.ok(loadConfig({ flags: { ...flags, [key]: true } }))
  assert.ok(loadConfig({ flags: { ...flags, 'gateway.write_mode': 'token' } }))
})

test('answers any text of a file with a configuration or a ConfigError', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json(), fc.constant('[__proto__]\nx = 1')), text => {
      try {
        loadConfig({ file: { path: 'f.toml', text } })
      } catch (error) {
        assert.ok(error instanceof ConfigError)
      }
    })
  )
})

test('explains each effective value', () => {
  const rows = explainConfig(loadConfig({ flags: { 'log.level': 'debug' } }))

  assert.equal(rows.length, configLeaves.length)
  assert.deepEqual(
    rows.find(({ path }) => path === 'log.level'),
    { path: 'log.level', value: 'debug', origin: 'command line' }
  )
})

test('writes a first file that loads to the defaults, with every commented key taken as it stands', () => {
  const text = defaultConfigText({ name: 'node1' })
  const uncommented = text.replaceAll(/^#(?=\w)/gm, '')

  const { config } = loadConfig({ file: { path: 'f.toml', text } })
  const { config: whole, origins } = loadConfig({ file: { path: 'f.toml', text: uncommented } })

  assert.deepEqual(config, loadConfig().config)
  assert.deepEqual(whole, loadConfig().config)
  assert.ok(Object.values(origins).every(origin => origin === 'file f.toml'))
})

test('writes the name into the first file', () => {
  const { config, origins } = loadConfig({
    file: { path: 'f.toml', text: defaultConfigText({ name: 'paris-2' }) }
  })

  assert.equal(config.node.name, 'paris-2')
  assert.equal(origins['node.name'], 'file f.toml')
  assert.equal(origins['node.listen'], 'default')
})

function refused(sources: Parameters<typeof loadConfig>[0]): ConfigError {
  try {
    loadConfig(sources)
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    return error
  }
  assert.fail('was accepted')
}
