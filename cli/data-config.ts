import { existsSync } from 'node:fs'
import type { Config } from '../node/index.ts'
import { readConfigFile } from './config-file.ts'

export interface ConfigSourcesGiven {
  readonly env: Readonly<Record<string, string | undefined>>
  /** In place of the omnigate.toml of the data folder. */
  readonly file?: string | undefined
  readonly flags?: Readonly<Record<string, unknown>>
}

/**
 * What a node on a data folder runs with: flags over the environment over a file, which by default is its omnigate.toml.
 * @throws SetupError `config` and as `readConfigFile`
 */
export async function dataConfig(
  data: string | undefined,
  { env, file: given, flags = {} }: ConfigSourcesGiven
): Promise<Config> {
  const { dataFolderPaths, loadConfig } = await import('../node/index.ts')
  const own = data === undefined ? undefined : dataFolderPaths(data).config
  const path = given ?? (own !== undefined && existsSync(own) ? own : undefined)
  const file = path === undefined ? undefined : await readConfigFile(path)
  return loadConfig({ ...(file && { file }), env, flags }).config
}
