import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { AuditLog } from '../audit/index.ts'
import { openDataFolder } from '../data-folder.ts'
import { initKeys } from '../keys.ts'

export const NOW = { nowMs: Date.UTC(2026, 0, 1) }
/** A cost of a password for tests. */
export const CHEAP = { cost: { opsLimit: 32_768, memLimit: 2 ** 17 } }

/** The data folder of a node that never ran, made at `NOW`. */
export async function stoppedNode(t: TestContext): Promise<string> {
  const top = mkdtempSync(join(tmpdir(), 'omnigate-identity-'))
  t.after(() => rmSync(top, { recursive: true }))
  await using folder = await openDataFolder(join(top, 'hub'), { create: true })
  await initKeys(folder.keys, { nodeName: 'node1', ...NOW })
  return folder.folder
}

/** What a log holds of one type. */
export async function recorded(
  log: AuditLog,
  wanted: string
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const found: Readonly<Record<string, unknown>>[] = []
  for await (const lines of log.lines(0))
    for (const line of lines) {
      const { type, data } = JSON.parse(line.toString()) as { type: string; data: Record<string, unknown> }
      if (type === wanted) found.push(data)
    }
  return found
}
