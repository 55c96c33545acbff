import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { ERROR_CLASSES } from 'omnigate/sdk'
import { shellEnv } from './harness/shell.ts'
import { matches } from './harness/match.ts'
import { SURROUNDINGS } from './harness/surroundings.ts'

const ROOT = fileURLToPath(new URL('../', import.meta.url))
const PAGE = readFileSync(new URL('sdk.md', import.meta.url), 'utf8')
const run = promisify(execFile)

/** What the snippets print, in their order. */
const PRINTED = `
hello 0000000000000001
{ ms: 5 }
3000
{"n":0}
{"n":1}
{"n":2}
{ ms: 5 }
[..] false
a passenger at Pier 39 1
a passenger at the Ferry Building
0 0
bafkrei[..] true
16 text/plain a map of the bay
map
12D3KooW[..] [..]
a passenger at Venice Beach
http a map of the bay
bad_topic true
true idem_conflict
`

/** A folder of the checkout, so that the package finds itself by its name. */
function folderFor(t: { after(run: () => void): void }): string {
  mkdirSync(join(ROOT, '.cache'), { recursive: true })
  const folder = mkdtempSync(join(ROOT, '.cache', 'sdk-page-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const snippets = [...PAGE.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code)
  writeFileSync(join(folder, 'page.ts'), snippets.join('\n'))
  return folder
}

test('the snippets of sdk.md do what the page says', { timeout: 120_000 }, async t => {
  const folder = folderFor(t)
  const shell = await shellEnv(join(folder, 'bin'), join(folder, 'cache'))
  const place = {
    folder,
    env: { ...shell, AMS_WRITE_TOKEN: 'a token of at least 32 bytes'.replaceAll(' ', '-') + '-long' }
  }
  const { env, close } = await SURROUNDINGS['node']!(place)
  t.after(close)

  const { stdout, stderr } = await run(process.execPath, ['page.ts'], {
    cwd: folder,
    env: { ...place.env, ...env, RON_NODE_URL: env['NODE'] }
  })

  assert.ok(matches(PRINTED.trim().split('\n'), stdout), stdout)
  assert.equal(stderr, '')
})

test('the snippets of sdk.md have the types that they claim', { timeout: 120_000 }, async t => {
  const folder = folderFor(t)
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      extends: '../../tsconfig.json',
      include: ['page.ts', '../../transport/tuned/*.d.ts'],
      exclude: []
    })
  )

  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')
  const { stdout } = await run(process.execPath, [tsc, '-p', folder]).catch(
    (error: { stdout: string }) => error
  )

  assert.equal(stdout, '')
})

test('sdk.md maps every code to its class, and names no other', () => {
  const [, table = ''] = /\| code \| class \|.*?\n(.*?)\n\n/s.exec(PAGE) ?? []
  const mapped = [...table.matchAll(/^\| `(\w+)` \| `(\w+)` \|/gm)].map(([, code, name]) => [code, name])

  assert.deepEqual(
    mapped,
    Object.entries(ERROR_CLASSES).map(([code, { name }]) => [code, name])
  )
})
