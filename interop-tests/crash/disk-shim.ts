import { execFile } from 'node:child_process'
import { mkdir, rename, stat } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const SOURCE = fileURLToPath(new URL('disk-shim.c', import.meta.url))
const FOLDER = fileURLToPath(new URL('.cache/', import.meta.url))
const BUILD_MS = 60_000
const run = promisify(execFile)

/** Builds the recorder of a process's disk, unless that was done since it changed; yields its path. Needs gcc, on Linux. */
export async function diskShim(): Promise<string> {
  const built = `${FOLDER}disk-shim.so`
  const [source, old] = await Promise.all([stat(SOURCE), stat(built).catch(() => undefined)])
  if (old !== undefined && old.mtimeMs > source.mtimeMs) return built
  await mkdir(FOLDER, { recursive: true })
  const flags = ['-O1', '-Wall', '-Wextra', '-Werror', '-shared', '-fPIC']
  const own = `${built}.${process.pid}`
  await run('gcc', [...flags, '-o', own, SOURCE, '-ldl', '-lpthread'], { timeout: BUILD_MS })
  await rename(own, built)
  return built
}

export interface Recording {
  readonly root: string
  readonly trace: string
  /** Writes beyond so many bytes find the disk full. */
  readonly room?: number | undefined
  /** How long it stays full, from the first write that failed; without it, for ever. */
  readonly fullMs?: number | undefined
}

/** What a process needs in its environment to be recorded. */
export const recorded = (
  shim: string,
  { root, trace, room, fullMs }: Recording
): Readonly<Record<string, string>> => ({
  LD_PRELOAD: shim,
  DISK_ROOT: root,
  DISK_TRACE: trace,
  ...(room !== undefined && { DISK_ROOM: String(room) }),
  ...(fullMs !== undefined && { DISK_FULL_MS: String(fullMs) })
})
