import { constants } from 'node:fs'
import { open, realpath } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { MOST_TILE_BYTES } from './service.ts'
import { outside } from './tile-path.ts'
import { notFound, oversize } from './tile-source.ts'
import type { TileSource } from './tile-source.ts'

/** A pipe or a device is not waited for; it is no file. */
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
const ABSENT = new Set(['ENOENT', 'ENOTDIR', 'EISDIR', 'ELOOP', 'ENAMETOOLONG', 'ENXIO'])

/**
 * Tiles that lie in a folder as files. A link is followed where it stays below the folder, else it is 403: whoever may
 * write into the folder, and nobody else, decides what is served.
 */
export async function folderTiles(folder: string): Promise<TileSource> {
  const top = await realpath(folder)
  return {
    async read({ names }) {
      const file = await found(realpath(join(top, ...names)))
      if (!file.startsWith(top.endsWith(sep) ? top : top + sep))
        throw outside('path: a link leaves the folder of tiles')
      await using handle = await found(open(file, FLAGS))
      const { size } = await regular(handle)
      if (size > MOST_TILE_BYTES) throw oversize()
      const bytes = Buffer.allocUnsafeSlow(size)
      const { bytesRead } = await handle.read(bytes, 0, size, 0)
      return bytes.subarray(0, bytesRead)
    }
  }
}

async function regular(handle: Awaited<ReturnType<typeof open>>) {
  const stat = await handle.stat()
  if (!stat.isFile()) throw notFound()
  return stat
}

const found = <T>(step: Promise<T>): Promise<T> =>
  step.catch((error: NodeJS.ErrnoException) => {
    throw ABSENT.has(error.code ?? '') ? notFound() : error
  })
