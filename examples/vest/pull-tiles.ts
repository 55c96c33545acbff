import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { CallOptions } from 'omnigate/protocols'
import type { Hub } from 'omnigate/sdk'
import { vestService } from '../tile-server/service.ts'
import { Times } from './times.ts'

const AT_ONCE = 8

/** One tile over OAP. */
export async function pullTile(hub: Hub, path: string, options?: CallOptions): Promise<Uint8Array> {
  const { body = new Uint8Array() } = await hub.client(vestService).get({ path }, options)
  return body
}

/** Pulls all of `paths`, some at once, and compares each with its file. */
export async function pullTiles(hub: Hub, folder: string, paths: readonly string[]) {
  const times = new Times(performance.now())
  const next = paths.values()
  let [right, bytes] = [0, 0]
  const carry = async (): Promise<void> => {
    for (const path of next) {
      const begun = performance.now()
      const tile = await pullTile(hub, path)
      times.add(performance.now() - begun)
      bytes += tile.length
      if ((await readFile(join(folder, path))).equals(tile)) right++
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, carry))
  return { times, right, bytes }
}
