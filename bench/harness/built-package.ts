import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { RunOptions } from './row.ts'

const BUILD = fileURLToPath(new URL('../../bin/build.mjs', import.meta.url))
const PROGRAM = fileURLToPath(new URL('../../dist/bin/omnigate.mjs', import.meta.url))
const BUILD_MS = 120_000

/** Path of the built command, built anew unless this is a smoke run that finds one. */
export async function builtProgram({ smoke, say }: RunOptions): Promise<string> {
  if (smoke && existsSync(PROGRAM)) return PROGRAM
  say('npm run build')
  try {
    await promisify(execFile)(process.execPath, [BUILD], { timeout: BUILD_MS })
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    const first = (stdout + stderr).trim().split('\n')[0]
    throw new Error(`npm run build failed: ${first || (error as Error).message}`, { cause: error })
  }
  return PROGRAM
}
