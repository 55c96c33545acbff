import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { runPage } from './harness/run-page.ts'

const missing = ['curl', 'minisign', 'openssl'].find(tool => spawnSync(tool, ['-h']).error !== undefined)
const skip = missing === undefined ? false : `${missing} is not installed`

test('what gateway.md says, from the first command to the last', { skip, timeout: 240_000 }, async t => {
  const cache = mkdtempSync(join(tmpdir(), 'omnigate-gateway-page-'))
  t.after(() => rmSync(cache, { recursive: true }))

  await runPage(readFileSync(new URL('gateway.md', import.meta.url), 'utf8'), { cache })
})
