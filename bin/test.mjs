// Runs the test files of the patterns it is given. The code that is compiled for one file is kept for the others, in
// .cache/, and on a machine with two processors both are used: Node's own count is one less than there are.

import { spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'

const atOnce = Math.max(2, availableParallelism() - 1)
const cache = fileURLToPath(new URL('../.cache/compiled', import.meta.url))

const { status, error } = spawnSync(
  process.execPath,
  ['--test', `--test-concurrency=${atOnce}`, ...process.argv.slice(2)],
  { stdio: 'inherit', env: { NODE_COMPILE_CACHE: cache, ...process.env } }
)
if (error !== undefined) throw error
process.exitCode = status ?? 1
