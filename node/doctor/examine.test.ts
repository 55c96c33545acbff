import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync, utimesSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { connectAdmin } from '../admin/admin-client.ts'
import { openDataFolder } from '../data-folder.ts'
import { initKeys } from '../keys.ts'
import { runningNode } from '../running-node.fixture.ts'
import { examine } from './examine.ts'
import type { Finding } from './judge.ts'

const ANY_PORT = { OMNIGATE_NODE__LISTEN: '/ip4/127.0.0.1/tcp/0', OMNIGATE_HTTP__LISTEN: '127.0.0.1:0' }

test('a new folder is well, and a running node too, with the same checks', async t => {
  const data = await folder(t)
  const stopped = await look(data)
  await runningNode(t, {
    data,
    flags: { 'http.enabled': true, 'http.listen': '127.0.0.1:0' },
    options: { overrides: { env: {}, loopDelay: { tick: () => undefined, take: () => 0 } } }
  })

  const running = await look(data)

  assert.deepEqual([wrongs(stopped), wrongs(running)], [[], []])
  const names = (findings: readonly Finding[]) => [...new Set(findings.map(({ check }) => check))]
  assert.deepEqual(names(running), names(stopped))
  assert.match(running.find(({ check }) => check === 'node')?.message ?? '', /^runs/)
  assert.match(running.find(({ check }) => check === 'signatures')?.message ?? '', /signed as they stand/)
})

test('names a hub whose link is not up, and rates that are off', async t => {
  const data = await folder(t)
  const hub = 'h1aoqqpp7tzyil4hlq3umoos6atft6jvrqtosq2xy53sdgiesvgg4a'
  await runningNode(t, { data })
  await using operator = await connectAdmin(data)
  await operator.federation.peer_add({ hub, addresses: [] })

  const findings = await look(data, { OMNIGATE_GATEWAY__RATE_LIMITS: 'false' })

  const warned = findings
    .filter(({ is }) => is === 'warn')
    .map(({ check, message }) => `${check}: ${message}`)
  assert.ok(
    warned.some(line => line.startsWith(`peers: ${hub}: link `)),
    warned.join('\n')
  )
  assert.match(warned.find(line => line.startsWith(`peers: ${hub}`)) ?? '', / peer (?:edit|show) | doctor /)
  assert.ok(warned.some(line => line.startsWith('limits: gateway.rate_limits is off')))
  const reached = await look(data, { OMNIGATE_GATEWAY__RATE_LIMITS: 'false', ...BEHIND_A_PROXY })
  assert.match(wrongs(reached).join('\n'), /limits: .*others reach HTTP.*set: gateway\.rate_limits = true/)
})

test('names a file that others may use, a port that is taken and a clock that was put back', async t => {
  const data = await folder(t)
  const key = join(data, 'keys', 'ams-tokens.json')
  const { tokenKeeper } = await import('../start/tokens.ts')
  const { loadConfig } = await import('../config/index.ts')
  await (await tokenKeeper(data, loadConfig().config)).add('bot', 'write')
  chmodSync(key, 0o644)
  utimesSync(join(data, 'FORMAT'), new Date(), new Date(Date.now() + 3_600_000))
  const other = createServer().listen(0, '127.0.0.1')
  t.after(() => other.close())
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo

  const findings = await look(data, { OMNIGATE_NODE__LISTEN: `/ip4/127.0.0.1/tcp/${port}` })

  const said = wrongs(findings).join('\n')
  assert.match(said, /permissions: .*ams-tokens\.json: others may use it: run: chmod go= /)
  assert.match(said, /clock: .*FORMAT was written 3\d\d\d s from now/)
  assert.match(said, /ports: node\.listen: 127\.0\.0\.1 port \d+ is taken/)
})

test('a mirror, which serves no manifests and has no hub key, lacks no key for them', async t => {
  const data = await folder(t)
  rmSync(join(data, 'keys', 'hub.key'))
  const core = 'h1aoqqpp7tzyil4hlq3umoos6atft6jvrqtosq2xy53sdgiesvgg4a'

  const asCore = await look(data)
  const mirror = await look(data, { OMNIGATE_NODE__ROLE: 'mirror', OMNIGATE_MIRROR__CORE: core })

  assert.match(wrongs(asCore).join(), /signatures: no key may sign .* key delegate --role manifest --data /)
  assert.deepEqual(wrongs(mirror), [])
})

test('names what proofs of envelopes lack: a key of the hub, and a file of secrets', async t => {
  const data = await folder(t)
  const env = { OMNIGATE_GATEWAY__PROVE: 'true', OMNIGATE_GATEWAY__PROOF_SECRETS: join(data, 'absent') }

  const withKey = await look(data, env)
  rmSync(join(data, 'keys', 'hub.key'))
  const without = await look(data, env)

  assert.match(wrongs(withKey).join(), /^access: .*absent: does not exist[^,]*$/)
  assert.match(
    wrongs(without).join(),
    /keys: no key may prove envelopes.* key delegate --role message --data /
  )
})

test('a configuration that is wrong is told with all its problems, and nothing else is looked at', async t => {
  const data = await folder(t)

  const findings = await look(data, {
    OMNIGATE_NODE__ROLE: 'x',
    OMNIGATE_LIMITS__MAX_INFLIGHT: '0'
  })

  assert.ok(wrongs(findings).length >= 2)
  assert.ok(findings.every(({ check }) => check === 'folder' || check === 'config'))
})

test('a folder that is none is an error, as of any command', async t => {
  const data = await folder(t)

  await assert.rejects(look(join(data, 'absent')), { exitCode: 66 })
  chmodSync(data, 0o755)
  await assert.rejects(look(data), { exitCode: 77 })
})

/** Whatever is found, each line that is not well says the way out, or begins with the key to set. */
async function look(data: string, env: Record<string, string> = {}): Promise<readonly Finding[]> {
  const findings = await examine({ data, env: { ...ANY_PORT, ...env }, nowMs: Date.now() })
  for (const { is, message } of findings) if (is === 'warn' || is === 'wrong') assert.match(message, WAY_OUT)
  return findings
}

const WAY_OUT = /\b(?:run|see|set): \S|^[a-z]+\.\w+: |: does not exist; check the path$/
const BEHIND_A_PROXY = { OMNIGATE_GATEWAY__TRUSTED_PROXIES: '127.0.0.1' }

const wrongs = (findings: readonly Finding[]) =>
  findings.filter(({ is }) => is === 'wrong').map(({ check, message }) => `${check}: ${message}`)

async function folder(t: TestContext): Promise<string> {
  const top = mkdtempSync(join(tmpdir(), 'omnigate-doctor-'))
  t.after(() => rmSync(top, { recursive: true }))
  const data = join(top, 'data')
  await using made = await openDataFolder(data, { create: true })
  await initKeys(made.keys, { nodeName: 'node1', nowMs: Date.now() })
  return data
}
