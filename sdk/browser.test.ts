import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'node:test'
import { build } from 'esbuild'
import * as inBrowsers from './browser.ts'
import { addressOf, endings, runningNode } from './hub.fixture.ts'
import * as inNode from './index.ts'

/** What a browser would get of a program that imports the package by its name. */
async function bundle() {
  const { outputFiles, metafile, warnings } = await build({
    stdin: {
      contents: `export { createClient, connect } from 'omnigate/sdk'`,
      resolveDir: fileURLToPath(new URL('.', import.meta.url))
    },
    bundle: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'browser',
    logLevel: 'silent'
  })
  const own = Object.keys(metafile.inputs).filter(path => !path.includes('node_modules'))
  const outside = Object.values(metafile.outputs).flatMap(({ imports }) => imports)
  return { text: outputFiles[0]!.text, own, outside, warnings }
}

test('the bundle for browsers holds nothing of Node', async () => {
  const { text: code, own, outside, warnings } = await bundle()

  assert.deepEqual([outside, warnings], [[], []])
  assert.doesNotMatch(code, /\brequire\("|from "node:|\bnode:(fs|net|tls|crypto|zlib)\b/)
  assert.deepEqual(
    own.filter(path => !/^(sdk|protocols)\/|^<stdin>$/.test(path)),
    []
  )
  assert.ok(own.includes('sdk/web-dialer.ts') && !own.includes('sdk/environment.ts'))
})

test('browsers get the same names as Node', () => {
  assert.deepEqual(Object.keys(inBrowsers).sort(), Object.keys(inNode).sort())
})

test('what browsers get calls a node over WebSockets', async t => {
  const node = await runningNode(t, { 'node.listen': ['/ip4/127.0.0.1/tcp/0/ws'] })

  await using hub = await inBrowsers.createClient({ url: addressOf(node) })

  assert.equal((await hub.call(0x0001, 'echo', Buffer.from('hello'))).text(), 'hello')
})

const PROGRAM = `
import { createClient } from './bundle.mjs'
const hub = await createClient({ url: process.argv[2] })
console.log((await hub.call(0x0001, 'echo', new TextEncoder().encode('hello'))).text())
await hub.close()
// Runtimes of browsers keep timers that Node would wait for.
process.exit()
`

test('the bundle calls a node', { timeout: 120_000 }, async t => {
  const node = await runningNode(t, { 'node.listen': ['/ip4/127.0.0.1/tcp/0/ws'] })
  const folder = await mkdtemp(join(tmpdir(), 'omnigate-bundle-'))
  endings(t).defer(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'bundle.mjs'), (await bundle()).text)
  await writeFile(join(folder, 'program.mjs'), PROGRAM)

  const program = spawn(process.execPath, [join(folder, 'program.mjs'), addressOf(node)])

  assert.equal(await text(program.stdout), 'hello\n', await text(program.stderr))
})
