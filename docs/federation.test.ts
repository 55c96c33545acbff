import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { runPage } from './harness/run-page.ts'

test('what federation.md says, from the first command to the last', async t => {
  const cache = mkdtempSync(join(tmpdir(), 'omnigate-federation-'))
  t.after(() => rmSync(cache, { recursive: true, force: true }))

  await runPage(readFileSync(new URL('federation.md', import.meta.url), 'utf8'), { cache })
})
