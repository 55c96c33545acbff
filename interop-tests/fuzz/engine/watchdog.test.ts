import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'

const SCRIPT = `
import { startWatchdog } from './watchdog.ts'
const { watch } = startWatchdog('loop', process.argv[1], 200)
watch(Uint8Array.of(1))
watch(Uint8Array.of(2, 3))
for (;;);
`

test('ends a process that hangs in one input, and keeps the input', t => {
  const folder = mkdtempSync(join(tmpdir(), 'fuzz-'))
  t.after(() => rmSync(folder, { recursive: true }))

  const { signal, stdout } = spawnSync(
    process.execPath,
    ['--input-type=module', '--eval', SCRIPT, `${folder}/`],
    { cwd: import.meta.dirname, encoding: 'utf8', timeout: 20_000 }
  )

  assert.equal(signal, 'SIGKILL')
  assert.match(stdout, /FINDING in loop[^]*--target loop --input /)
  assert.deepEqual([...readFileSync(join(folder, 'loop-hung'))], [2, 3])
})
