import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { demandInstalled } from '../installed.ts'
import { ADMIN, Hub, WRITE } from './hub.ts'

const CLIENT = fileURLToPath(new URL('client/', import.meta.url))
const MODULES = join(CLIENT, 'node_modules')

test('a client that others generate from /openapi.json speaks to a hub, and its answers are as the document says', async () => {
  demandInstalled(MODULES, '(cd interop-tests/http/client && npm ci --ignore-scripts)')
  await using hub = await Hub.start({
    OMNIGATE_GATEWAY__WRITE_MODE: 'token',
    OMNIGATE_GATEWAY__PROVE: 'true',
    OMNIGATE_LIMITS__MAX_DELAY_MS: '60000'
  })
  mkdirSync(join(CLIENT, '.cache'), { recursive: true })
  writeFileSync(join(CLIENT, '.cache/openapi.json'), await (await fetch(`${hub.url}/openapi.json`)).text())

  run('validate.mjs', '.cache/openapi.json')
  run(join(MODULES, 'openapi-typescript/bin/cli.js'), '.cache/openapi.json', '--output', '.cache/api.ts')
  run(join(MODULES, 'typescript/bin/tsc'), '--project', '.')
  const { judged } = JSON.parse(run('program.ts', hub.url, WRITE, ADMIN))

  assert.ok(judged >= 40, `${judged} answers`)
  assert.deepEqual(hub.faults, [])
})

/** What a program of the client's folder prints. */
function run(...args) {
  const { status, stdout, stderr, error } = spawnSync(process.execPath, args, {
    cwd: CLIENT,
    encoding: 'utf8',
    timeout: 300_000
  })
  if (error !== undefined) throw error
  assert.equal(status, 0, `${args[0]}\n${stdout}\n${stderr}`)
  return stdout
}
