import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, renameSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const BUILT = fileURLToPath(new URL('.cache/', import.meta.url))
const BUILD_MS = 30 * 60_000
const VERSION_MS = 10_000

export interface GoPackage {
  /** What the program is called in `.cache/`. */
  readonly name: string
  /** The folder of its `go.mod`. */
  readonly source: URL
  /** The package; that of the folder itself by default. */
  readonly main?: string
  readonly env?: Readonly<Record<string, string>>
}

const env = {
  ...process.env,
  PATH: [process.env['PATH'] ?? '', '/usr/local/go/bin'].join(':')
}

/** Why tests with a program in Go are left out here; undefined where Go is, and always in CI. */
export function goIsMissing(): string | undefined {
  if (process.env['CI'] || spawnSync('go', ['version'], { timeout: VERSION_MS, env }).status === 0)
    return undefined
  return 'Go is not installed: the tests with programs in Go are left out'
}

/** Where `goBuild` puts a program. */
export const goBuilt = (name: string): string => `${BUILT}${name}`

/**
 * Builds a program in one step, while other tests may run it or build it, too; yields its path. What is of this source
 * already is not linked again. @throws with what the compiler said.
 */
export function goBuild({ name, source, main = '.', env: more }: GoPackage): string {
  mkdirSync(BUILT, { recursive: true })
  const built = goBuilt(name)
  const own = `${built}-${process.pid}`
  if (existsSync(built)) copyFileSync(built, own)
  const { status, error, stderr } = spawnSync(
    'go',
    ['build', '-buildvcs=false', '-mod=readonly', '-o', own, main],
    { cwd: fileURLToPath(source), timeout: BUILD_MS, encoding: 'utf8', env: { ...env, ...more } }
  )
  if (status !== 0) throw new Error(`cannot build ${name}: ${error?.message ?? stderr}`)
  renameSync(own, built)
  return built
}
