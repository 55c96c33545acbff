import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const BUILT = fileURLToPath(new URL('../.cache/', import.meta.url))
const BUILD_MS = 30 * 60_000
const PATH = [process.env['PATH'] ?? '', '/usr/local/go/bin'].join(':')

/** Where a program that `buildGoProgram` built is. */
export const goProgram = (name: string): string => `${BUILT}${name}`

/** Builds a Go package from a folder here whose `go.sum` pins what is fetched. @throws with what the compiler said. */
export function buildGoProgram(name: string, folder: string, goPackage = '.'): void {
  mkdirSync(BUILT, { recursive: true })
  const args = ['build', '-buildvcs=false', '-mod=readonly', '-o', goProgram(name), goPackage]
  const { status, error, stderr } = spawnSync('go', args, {
    cwd: fileURLToPath(new URL(`${folder}/`, import.meta.url)),
    timeout: BUILD_MS,
    encoding: 'utf8',
    env: { ...process.env, PATH, CGO_ENABLED: '0' }
  })
  if (status !== 0) throw new Error(`cannot build ${name}: ${error?.message ?? stderr}`)
}
