import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs'
import { watch } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { connectAdmin, createNode, loadConfig } from '../../node/index.ts'

const OMNIGATE = fileURLToPath(new URL('../../bin/omnigate.mjs', import.meta.url))
const MIB = 1_048_576
const BLOB_BYTES = 40 * MIB
/** Of a download that broke off, what a power cut may have damaged is asked for again. */
const KEPT_BYTES = 16 * MIB

test(
  'a download that Ctrl-C ends says where it is, twice, and the same command goes on with it, once that is over',
  { timeout: 240_000 },
  async t => {
    const folder = newFolder(t)
    await using hub = await slowNode(join(folder, 'hub'))
    const { address, cid, bytes } = hub
    const file = join(folder, 'map.bin')
    const part = (): string | undefined => readdirSync(folder).find(name => name.endsWith('.part'))
    const size = (): number => (part() === undefined ? 0 : statSync(join(folder, part()!)).size)
    const get = (): ChildProcess =>
      spawn(process.execPath, [OMNIGATE, 'blob', 'get', cid, address, '-o', file], {
        env: { ...env, NO_COLOR: '1' },
        stdio: ['ignore', 'pipe', 'pipe']
      })

    for (const reached of [KEPT_BYTES + MIB, KEPT_BYTES + 2 * MIB]) {
      const child = get()
      const printed = text(child.stderr!)
      const ended = once(child, 'close')
      await when(folder, () => size() > reached)
      child.kill('SIGSTOP')
      const second = get()
      const refused = text(second.stderr!)
      assert.deepEqual(await once(second, 'close'), [75, null])
      assert.match(await refused, new RegExp(`\\.part is in use by process ${child.pid}: stop it first\n$`))
      child.kill('SIGCONT')
      child.kill('SIGINT')

      assert.deepEqual(await ended, [130, null])
      assert.match(
        await printed,
        /blob get: interrupted; what came is in .*\.part; the same command goes on with it\n$/
      )
    }
    const child = get()
    const printed = text(child.stdout!)
    assert.deepEqual(await once(child, 'close'), [0, null])

    assert.equal(await printed, `${file}: 40.0 MiB\n`)
    assert.ok(readFileSync(file).equals(bytes))
    assert.equal(part(), undefined)
    assert.deepEqual(readdirSync(folder).toSorted(), ['hub', 'map.bin'])
  }
)

/** A node that gives strangers of one prefix, who have a tenth of the rate of all, 4 MiB a second. */
async function slowNode(data: string) {
  const { config } = loadConfig({
    flags: {
      'node.listen': ['/ip4/127.0.0.1/tcp/0'],
      'http.enabled': false,
      'log.level': 'silent',
      'quotas.strangerBytesPerSecond': 40 * MIB
    }
  })
  const node = createNode(config, { data, init: true })
  await node.start()
  const bytes = randomBytes(BLOB_BYTES)
  await using admin = await connectAdmin(data)
  const { id: tenant } = await admin.capabilities.tenant_show({ tenant: 'default' })
  const { cid } = await admin.storage.put({ class: 'public' }, { tenant, body: [bytes] })
  const address = node.status().addresses[0]!
  return { address, cid, bytes, [Symbol.asyncDispose]: () => node.stop() }
}

/** Resolves once something happened in a folder after which `holds` does. */
async function when(folder: string, holds: () => boolean): Promise<void> {
  for await (const _ of watch(folder, { signal: AbortSignal.timeout(100_000) })) if (holds()) return
}

const { RON_CAP: _cap, RON_NODE_URL: _url, OMNIGATE_CLIENT_KEY: _key, ...env } = process.env

function newFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'omnigate-interrupted-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
