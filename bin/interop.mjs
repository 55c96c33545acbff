// The interop tests: first two files at a time, for most of them wait for other processes; then those that load the machine
// or measure it, each with nothing beside it.

import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Files, or all of a folder, in interop-tests/. */
export const ALONE = [
  'back-pressure.test.ts',
  'crash/crash.test.ts',
  'faults/calls.test.ts',
  'hostile.test.ts',
  'oracle/',
  'quotas/',
  'revocation/',
  'soak/soak.test.ts'
]

const root = fileURLToPath(new URL('..', import.meta.url))
const isAlone = file => ALONE.some(alone => file.startsWith(`interop-tests/${alone}`))

/** All files, as those that run beside each other and those that run alone. */
export function interopFiles() {
  const files = globSync('interop-tests/**/*.test.ts', {
    cwd: root,
    exclude: ['**/node_modules/**']
  }).toSorted()
  return { beside: files.filter(file => !isAlone(file)), alone: files.filter(isAlone) }
}

function run(files, atOnce) {
  const args = ['bin/test.mjs', `--test-concurrency=${atOnce}`, ...files]
  const { status, error } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' })
  if (error !== undefined) throw error
  return status ?? 1
}

if (import.meta.main) {
  const { beside, alone } = interopFiles()
  const statuses = [run(beside, 2), run(alone, 1)]
  if (statuses[0] !== 0) console.error('interop: tests of the first part failed; see above')
  process.exitCode = Math.max(...statuses)
}
