import { createHash } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

/** Longer paths do not fit a socket address everywhere. */
const MAX_PATH_BYTES = 100

/**
 * Where the admin socket of a data folder lies: in the folder, or, when that path is too long for a socket,
 * in a folder of this user's own below the runtime directory.
 */
export function adminSocketPath(dataFolder: string): string {
  const inside = join(resolve(dataFolder), 'admin.sock')
  if (Buffer.byteLength(inside) <= MAX_PATH_BYTES) return inside
  const name = createHash('sha256').update(resolve(dataFolder)).digest('hex').slice(0, 16)
  return join(runtimeFolder(), `${name}.sock`)
}

export const runtimeFolder = (): string =>
  join(process.env['XDG_RUNTIME_DIR'] ?? tmpdir(), `omnigate-${process.getuid?.() ?? 'user'}`)
