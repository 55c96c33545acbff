import assert from 'node:assert/strict'
import { test } from 'node:test'
import { caveatText } from '../protocols/index.ts'
import { askedCaveats } from './caveat-options.ts'
import { Invocation } from './invocation.ts'
import type { OptionValue } from './invocation.ts'
import { narrowing } from './narrowing.ts'
import { processTerminal } from './terminal.ts'

const NOW_S = 1_800_000_000
const given = (options: Record<string, OptionValue>) =>
  askedCaveats(new Invocation(processTerminal, {}, options), NOW_S)

const lines = async (options: Record<string, OptionValue>) =>
  (await narrowing(given(options), { nowS: NOW_S, expires: undefined })).map(caveatText)

test('reads every option into what a hub is asked for', () => {
  const asked = given({
    verb: 'echo:call, cap:revocations',
    topic: 'dispatch/*',
    app: 'echo,0x201',
    content: 'bafk',
    peer: '12D3Koo',
    ttl: '15m',
    'not-before': '1h',
    'renew-until': '30d',
    rate: '50',
    streams: '4',
    'max-bytes': '10MiB',
    'read-only': true
  })

  assert.deepEqual(asked, {
    verb: 'echo:call,cap:revocations',
    topic: 'dispatch/*',
    app: '0x0001,0x0201',
    content: 'bafk',
    peer: '12D3Koo',
    ttl_s: 900,
    not_before: NOW_S + 3600,
    renew_until: NOW_S + 2_592_000,
    rate: 50,
    streams: 4,
    max_bytes: 10_485_760,
    read_only: true
  })
})

test('every restriction that can be asked for can be added by a holder', async () => {
  assert.deepEqual(
    await lines({ verb: 'echo:call', ttl: '15m', rate: '5', bytes: '1KiB', app: 'echo', 'read-only': true }),
    [
      'verb = echo:call',
      'app = 0x0001',
      'rate <= 5/s',
      'max-bytes <= 1024',
      `expires < ${NOW_S + 900}`,
      'read-only'
    ]
  )
})

test('refuses what is no restriction, and none at all', async () => {
  await assert.rejects(lines({}), { exitCode: 64, message: /^nothing to add/ })
  await assert.rejects(lines({ verb: 'echo' }), { exitCode: 64, message: /^--verb: not of the form/ })
  for (const [name, value] of [
    ['rate', '0'],
    ['rate', '1e3'],
    ['streams', '-1'],
    ['max-bytes', '1 kB'],
    ['app', 'clock'],
    ['ttl', '15']
  ] as const)
    await assert.rejects(lines({ [name]: value }), { exitCode: 64, message: new RegExp(`^--${name} `) })
})
