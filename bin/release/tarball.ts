import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { cleanEnv, run } from './command.ts'

export interface Tarball {
  readonly path: string
  readonly version: string
  /** Bytes packed and unpacked. */
  readonly size: number
  readonly unpackedSize: number
  readonly integrity: string
  readonly files: readonly { readonly path: string; readonly size: number; readonly mode: number }[]
}

/** Builds a copy of the checkout and packs it, with the given Node first in PATH and in a given environment. */
export async function buildTarball(
  copy: string,
  nodeFolder: string,
  into: string,
  env: NodeJS.ProcessEnv = {}
): Promise<Tarball> {
  mkdirSync(into, { recursive: true })
  const options = { cwd: copy, env: { ...cleanEnv(nodeFolder), ...env } }
  await run(join(nodeFolder, 'node'), ['bin/build.mjs'], options)
  const answer = await run('npm', ['pack', './dist', '--json', '--pack-destination', into], options)
  const [packed] = JSON.parse(answer) as [Omit<Tarball, 'path'> & { filename: string }]
  return { ...packed, path: join(into, packed.filename) }
}
