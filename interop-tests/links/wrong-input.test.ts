import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { omnigate } from '../our-node.ts'
import { scraped } from '../quotas/counted.ts'
import { until } from './go-hub.ts'
import { Hub } from './hub.ts'

const COUNTED = { OMNIGATE_HTTP__ENABLED: 'true', OMNIGATE_HTTP__LISTEN: '127.0.0.1:0' }
const AN_HOUR_AHEAD = { NODE_OPTIONS: `--import=${new URL('clock-ahead.mjs', import.meta.url).href}` }
const NOBODY = `h1${'b'.repeat(51)}a`
/** A node looks at one call of pair a second. */
const PAIR_MS = 1100

const handshakes = async ({ http }: Hub, outcome: string): Promise<number> =>
  (await scraped(http))('federation_handshakes_total', new RegExp(`outcome="${outcome}"`))

async function refusedWith(why: RegExp, hub: Hub, ...command: readonly string[]): Promise<void> {
  await assert.rejects(hub.says(...command), why)
}

async function assertAllowsNobody(...hubs: readonly Hub[]): Promise<void> {
  for (const hub of hubs) assert.deepEqual((await hub.says('peer', 'list'))['peers'], [])
}

test('an invite that was used, has expired or is confirmed by another fingerprint pairs nobody', async () => {
  await using a = await Hub.start({ env: COUNTED })
  await using b = await Hub.start()
  await using c = await Hub.start()
  const { code } = (await a.says('peer', 'invite', '--no-wait')) as { code: string }
  await b.says('peer', 'accept', code)

  await sleep(PAIR_MS)
  await refusedWith(/conflict|not_allowlisted.*ask for a new one/s, c, 'peer', 'accept', code)
  await refusedWith(
    /--fingerprint: not the one/,
    a,
    'peer',
    'confirm',
    b.id,
    '--fingerprint',
    'aaaa-aaaa-aaaa-aaaa'
  )
  await refusedWith(
    /no pairing with it waits/,
    a,
    'peer',
    'confirm',
    b.id,
    '--fingerprint',
    'aaaa-aaaa-aaaa-aaaa'
  )
  const { code: short } = (await a.says('peer', 'invite', '--no-wait', '--ttl', '1s')) as { code: string }
  await sleep(PAIR_MS)
  await refusedWith(/code: .*expired/, c, 'peer', 'accept', short)

  await assertAllowsNobody(a, c)
  assert.equal(await handshakes(a, 'no_invite'), 1)
  assert.deepEqual(
    (await a.audited('handshake_refused')).map(refusal => [refusal['code'], refusal['role']]),
    [['no_invite', 'responder']]
  )
  const changes = (await a.audited('invite')).map(({ change }) => change)
  assert.deepEqual(changes.slice(0, 4), ['open', 'paired', 'declined', 'open'])
  assert.deepEqual(await a.audited('peer'), [])
})

test('a treaty that contradicts itself, and a hub that nobody knows, are refused, and nothing of it is applied', async () => {
  await using a = await Hub.start({ env: COUNTED })
  await using b = await Hub.start()
  await b.says('peer', 'add', a.id)
  await a.says('peer', 'add', b.id, '--address', b.address)
  await a.link(b, 'up')
  const before = await a.says('treaty', 'show', b.id)
  const entries = (await a.audited('peer')).length
  const file = `${a.data}.treaty.json`
  await writeFile(file, JSON.stringify({ verbs: ['echo:call', 'echo:call', 'echo:cal'], expires: 5 }))

  await refusedWith(/verbs\[1\].*twice.*/, a, 'treaty', 'edit', b.id, '--file', file)
  await refusedWith(/there is no verb echo:cal/, a, 'treaty', 'edit', b.id, '--file', file)
  await refusedWith(/expires: .* is past/, a, 'peer', 'add', NOBODY, '--treaty', file)
  for (const command of [
    ['echo', '--text', 'x', '--hub', NOBODY],
    ['treaty', 'show', NOBODY],
    ['peer', 'remove', NOBODY]
  ])
    await refusedWith(/is not on the allowlist/, a, ...command)

  assert.deepEqual(await a.says('treaty', 'show', b.id), before)
  assert.equal((await a.audited('peer')).length, entries)
  assert.equal(((await a.says('peer', 'list'))['peers'] as unknown[]).length, 1)
  await a.link(b, 'up')
})

test('a hub whose clock goes an hour ahead links; both logs say how far the other is off', async () => {
  await using a = await Hub.start()
  await using fast = await Hub.start()
  await fast.kill()
  await fast.run(AN_HOUR_AHEAD)
  await fast.says('peer', 'add', a.id)
  await a.says('peer', 'add', fast.id, '--address', fast.address)

  await Promise.all([a.link(fast, 'up'), fast.link(a, 'up')])

  for (const [hub, ahead] of [
    [a, true],
    [fast, false]
  ] as const) {
    const [entry] = await hub.audited('handshake')
    assert.equal(entry?.['ahead'], ahead)
    assert.ok(Math.abs(Number(entry?.['skew_s']) - 3600) < 30, `skew_s is ${String(entry?.['skew_s'])}`)
  }
})

test('a hub that was made while its clock was an hour ahead is refused: its keys are not valid yet', async () => {
  await using a = await Hub.start({ env: COUNTED })
  await using fast = await Hub.start({ env: AN_HOUR_AHEAD })
  await fast.says('peer', 'add', a.id)
  await a.says('peer', 'add', fast.id, '--address', fast.address)

  const [refusal] = await until(
    () => a.audited('handshake_refused'),
    entries => entries.length > 0
  )

  assert.deepEqual([refusal?.['code'], refusal?.['hub']], ['expired_delegation', fast.id])
  assert.ok((await handshakes(a, 'expired_delegation')) > 0)
  await a.link(fast, 'down')
  assert.deepEqual([await handshakes(a, 'linked'), await a.audited('handshake')], [0, []])
})

test('of two nodes with one key only the first one has the link; one folder has one node', async () => {
  await using a = await Hub.start()
  await using b = await Hub.start()
  await b.says('peer', 'add', a.id)
  await a.says('peer', 'add', b.id, '--address', b.address)
  await a.link(b, 'up')
  await using twin = await Hub.start({ twin: a })
  assert.equal(twin.id, a.id)

  await twin.says('peer', 'add', b.id, '--address', b.address)
  await until(
    () => b.audited('link'),
    links => links.some(({ reason }) => reason === 'second_node')
  )

  const lost = (await b.audited('link')).filter(
    ({ change, reason }) => change === 'down' && reason !== 'second_node'
  )
  assert.deepEqual(lost, [])
  await Promise.all([a.link(b, 'up'), b.link(a, 'up'), twin.link(b, 'down')])
  assert.equal((await a.says('echo', '--hub', b.id, '--text', 'still here'))['equal'], true)
  const listen = ['--listen', '/ip4/127.0.0.1/tcp/0']
  const { code, stderr } = await omnigate(['start', '--data', a.data, ...listen])
  assert.deepEqual([code, /is in use by process \d+/.test(stderr)], [75, true])
})
