import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdir, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const LAUNCHER = fileURLToPath(new URL('../../bin/omnigate.mjs', import.meta.url))

/** Where a page's commands run: its folder, and an environment in which `omnigate` is this checkout's. */
export interface Place {
  readonly folder: string
  readonly env: Readonly<Record<string, string>>
}

/** Variables that would change what a page prints. */
const FOREIGN = /^(OMNIGATE_|RON_|FORCE_COLOR$|NODE_|npm_)/

/**
 * Makes a folder for programs with `omnigate` in it, linked as npm would, and yields the environment that finds it.
 * Compiled code is kept in `cache`, so that many short commands do not each compile all of it.
 */
export async function shellEnv(programs: string, cache: string): Promise<Record<string, string>> {
  await mkdir(programs, { recursive: true })
  await symlink(LAUNCHER, join(programs, 'omnigate'))
  const own = Object.entries(process.env).filter(
    (pair): pair is [string, string] => pair[1] !== undefined && !FOREIGN.test(pair[0])
  )
  return {
    ...Object.fromEntries(own),
    PATH: `${programs}:${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
    NODE_COMPILE_CACHE: cache
  }
}

/**
 * A command as a shell runs it; the shell gives way to it, so that signals reach it. Nothing is typed without `stdin`.
 * With `ownGroup` all that it starts can be ended at once, by the negative process id.
 */
export function shell(
  { folder, env }: Place,
  command: string,
  {
    stdin = 'ignore',
    ownGroup = false
  }: { readonly stdin?: 'ignore' | 'pipe'; readonly ownGroup?: boolean } = {}
): ChildProcess {
  return spawn('/bin/sh', ['-c', command], {
    cwd: folder,
    env,
    stdio: [stdin, 'pipe', 'pipe'],
    detached: ownGroup
  })
}
