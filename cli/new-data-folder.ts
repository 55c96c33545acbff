import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import type { NodeKeys } from '../node/index.ts'
import { selfCommand, shellWord } from './self.ts'

/**
 * Makes a data folder with keys and a commented omnigate.toml. An error leaves nothing of a folder that was not there
 * before; a crash leaves at most a folder without keys, which a later run completes. Keys are never overwritten.
 * @throws SetupError `cannotCreate` when the folder has keys, else as `openDataFolder`.
 */
export async function makeDataFolder(path: string, nodeName: string): Promise<NodeKeys> {
  const { createFile, dataFolderPaths, defaultConfigText, initKeys, loadConfig, openDataFolder, SetupError } =
    await import('../node/index.ts')
  loadConfig({ flags: { 'node.name': nodeName } })
  const isNew = !existsSync(path)
  const { config, keys, folder: where } = dataFolderPaths(path)
  if (existsSync(keys)) {
    throw new SetupError(
      'cannotCreate',
      `${where}: has keys already; nothing is overwritten, start it with: ${selfCommand()} start --data ${shellWord(path)}`
    )
  }
  await using folder = await openDataFolder(path, { create: true })
  try {
    if (!existsSync(config)) await createFile(config, defaultConfigText({ name: nodeName }))
    return await initKeys(folder.keys, { nodeName, nowMs: Date.now() })
  } catch (error) {
    if (isNew) await rm(folder.folder, { recursive: true, force: true })
    throw error
  }
}
