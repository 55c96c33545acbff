import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { initKeys } from './keys.ts'
import type { NodeKeys } from './keys.ts'

/** Keys of a hub that lives as long as this process. */
export async function ephemeralKeys(nodeName: string): Promise<NodeKeys> {
  const folder = await mkdtemp(join(tmpdir(), 'omnigate-keys-'))
  try {
    return await initKeys(join(folder, 'keys'), { nodeName, nowMs: Date.now() })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
