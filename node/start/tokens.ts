import { join } from 'node:path'
import { addToken, envTokens, readTokenFile, removeToken, tokensFrom } from '../ams/access/index.ts'
import type { StaticToken, TokenRole } from '../ams/access/index.ts'
import type { Config } from '../config/index.ts'
import { checkDataFolder, dataFolderPaths } from '../data-folder.ts'
import type { DataFolderPaths } from '../data-folder.ts'
import { takeLock } from '../folder-lock.ts'

/** Where the tokens of `token add` lie; undefined for a node without a data folder where no file is named. */
export const tokensFile = (
  { gateway }: Pick<Config, 'gateway'>,
  folder: Pick<DataFolderPaths, 'keys'> | undefined
): string | undefined =>
  gateway.tokens === '' ? folder && join(folder.keys, 'ams-tokens.json') : gateway.tokens

/** The static tokens of a data folder, whether its node runs or not; a running one follows their file. */
export interface TokenKeeper {
  readonly path: string
  /** Of the file, and with `env` of the environment, too. @throws SetupError as `readTokenFile` and `tokensFrom` */
  list(env?: Readonly<Record<string, string | undefined>>): Promise<readonly StaticToken[]>
  /**
   * Resolves with the text, which is kept nowhere, once the token would survive a power cut.
   * @throws SetupError `cannotCreate`, `badInput` for the name, `inUse` while another process changes them
   */
  add(name: string, role: TokenRole): Promise<{ readonly token: StaticToken; readonly text: string }>
  /** @throws SetupError `noInput` where none has the name, `inUse` */
  remove(name: string): Promise<void>
}

/** @throws SetupError for a data folder that is none, or open to others */
export async function tokenKeeper(data: string, config: Pick<Config, 'gateway'>): Promise<TokenKeeper> {
  await checkDataFolder(data)
  const folder = dataFolderPaths(data)
  // A data folder always gives one.
  const path = tokensFile(config, folder) ?? ''
  const alone = async <T>(change: () => Promise<T>): Promise<T> => {
    const lock = await takeLock(`the file of tokens of ${folder.folder}`, join(folder.folder, 'tokens-lock'))
    try {
      return await change()
    } finally {
      await lock.close()
    }
  }
  return {
    path,
    list: async (env = {}) => [...(await tokensFrom(envTokens(env))), ...(await readTokenFile(path))],
    add: (name, role) => alone(() => addToken(path, name, role)),
    remove: name => alone(() => removeToken(path, name))
  }
}
