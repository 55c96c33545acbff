import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const RUNNER = fileURLToPath(new URL('test.mjs', import.meta.url))

for (const [what, body, ends, passed] of [
  ['passes', '', 0, 1],
  ['fails', 'throw new Error("no")', 1, 0],
  ['kills its process', 'process.kill(process.pid, "SIGKILL")', 1, 0]
] as const) {
  test(`where a test ${what} the runner ends with ${ends} and the closing lines of Node's`, t => {
    const folder = mkdtempSync(join(tmpdir(), 'omnigate-runner-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const file = join(folder, 'one.test.mjs')
    writeFileSync(file, `import { test } from 'node:test'\ntest('one', () => { ${body} })\n`)
    // Node's runner does nothing inside its own tests.
    const { NODE_TEST_CONTEXT: _, ...env } = process.env

    const { status, stdout } = spawnSync(process.execPath, [RUNNER, file], { env, encoding: 'utf8' })

    assert.equal(status, ends)
    assert.match(stdout, new RegExp(`(ℹ|#) pass ${passed}\n`))
  })
}
