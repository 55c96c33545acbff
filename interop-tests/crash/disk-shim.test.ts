import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { diskShim, recorded } from './disk-shim.ts'

const FILL = `
  import { openLevel } from '${new URL('../../node/stores/level.ts', import.meta.url).href}'
  const level = await openLevel(process.argv[1])
  for (let n = 0; ; n++)
    try { await level.batch([{ type: 'put', key: String(n), value: Buffer.alloc(700) }], { sync: true }) }
    catch (error) { console.log(error.message); process.exit() }
`
const run = promisify(execFile)

// LevelDB writes through stdio, which hands on what a write of its own ended with.
test('wherever in a write the disk gets full, LevelDB says that it is full', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'omnigate-shim-'))
  t.after(() => rm(folder, { recursive: true }))
  const shim = await diskShim()
  for (let n = 0; n < 8; n++) {
    const root = join(folder, String(n))
    const env = recorded(shim, { root, trace: join(folder, `trace-${n}`), room: 20_000 + 97 * n })
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', FILL, join(root, 'store')], {
      env: { ...process.env, ...env },
      timeout: 30_000
    })

    assert.match(stdout, /No space left on device/, `with room for ${20_000 + 97 * n} bytes`)
  }
})
