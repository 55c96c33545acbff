import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const NOWHERE = '/ip4/127.0.0.1/tcp/1/p2p/12D3KooWGRUQRDXGp2hqqWNxVfRTZDsY8wCcJCZHwGxhMQKVpHcD'

/** Has a program write the addresses of all modules that it loaded to standard error as it ends. */
const TELLING = `data:text/javascript,${encodeURIComponent(`
import { registerHooks } from 'node:module'
const loaded = []
registerHooks({ load(url, context, next) { loaded.push(url); return next(url, context) } })
process.on('exit', () => process.stderr.write(loaded.map(url => 'LOADED ' + url + '\\n').join('')))
`)}`

for (const [args, most, without] of [
  [['--version'], 40, /node_modules\/(?!commander\/)|\/(node|sdk|protocols)\//],
  [['help'], 40, /node_modules\/(?!commander\/)|\/(node|sdk|protocols)\//],
  [['cap', 'inspect', ROOT], 200, /\/(libp2p|fastify|typebox|classic-level|node\/index\.ts)/],
  [['echo', '--text', 'a', NOWHERE], 800, /\/(@libp2p\/tls|@peculiar|fastify|typebox|classic-level)\//],
  [['config', 'check', ROOT], 900, /node_modules\/(fastify|typebox|libp2p|@libp2p\/tls)\//]
] as const) {
  test(`omnigate ${args.slice(0, 2).join(' ')} loads only what it needs`, () => {
    const { stderr } = spawnSync(process.execPath, ['--import', TELLING, 'bin/omnigate.mjs', ...args], {
      cwd: ROOT,
      encoding: 'utf8',
      timeout: 60_000,
      maxBuffer: 16 * 1024 * 1024
    })

    const loaded = [...stderr.matchAll(/^LOADED (?!node:)(.+)$/gm)].map(([, url = '']) => url)
    assert.ok(
      loaded.some(url => url.endsWith('/cli/main.ts')),
      stderr
    )
    assert.deepEqual(
      loaded.filter(url => without.test(url.slice(ROOT.length))),
      []
    )
    assert.ok(loaded.length <= most, `${loaded.length} modules, at most ${most}`)
  })
}
