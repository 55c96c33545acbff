import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { hubId, publicBytes, signingKey } from '../../federation/index.ts'
import type { AuditEvent } from './audit-event.ts'
import { AuditLog, type AuditLogOptions } from './audit-log.ts'
import { auditEvent } from './events.ts'
import { createLogFolder } from './log-folder.ts'

export const HUB_KEY = signingKey(Buffer.alloc(32, 7))
export const HUB_ID = hubId(publicBytes(HUB_KEY))
export const START_MS = Date.UTC(2026, 0, 1)

export interface Scratch {
  readonly folder: string
  /** Moves with every reading. */
  readonly now: () => number
  readonly open: (options?: AuditLogOptions) => Promise<AuditLog>
}

/** A new log in a folder that goes with the test, after what was opened of it is closed. */
export async function scratchLog(t: TestContext, options: AuditLogOptions = {}): Promise<Scratch> {
  const parent = mkdtempSync(join(tmpdir(), 'audit-'))
  const opened: AuditLog[] = []
  t.after(async () => {
    for (const log of opened) await log.close()
    rmSync(parent, { recursive: true })
  })
  const folder = join(parent, 'log')
  await createLogFolder(folder, { hubId: HUB_ID, nodeName: 'node1', nowMs: START_MS, hubKey: HUB_KEY })
  let nowMs = START_MS
  const now = () => nowMs++
  return {
    folder,
    now,
    open: async (more = {}) => {
      const log = await AuditLog.open(folder, { now, ...options, ...more })
      opened.push(log)
      return log
    }
  }
}

export const started = (boot = 1): AuditEvent =>
  auditEvent('start', 'node', { version: '0.1.0', boot, config_sha256: 'ab'.repeat(32) })

/** Appends `count` entries, all in one turn. */
export async function fill(log: AuditLog, count: number): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, n) => log.append(started(n))))
}
