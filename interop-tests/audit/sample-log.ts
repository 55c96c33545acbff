import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { auditEvent, createLogFolder } from 'omnigate'
import type { AuditEvent, AuditLog } from 'omnigate'

const AT_ONCE = 10_000
const HUB_ID = 'h15jfgyy7ctrjavpxvkb5rglwf7gkuo5vox27hxescd3vgsfcg2iwa'

/** A folder that goes with the test. */
export function scratchFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'audit-interop-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

/** Makes the folder of a new log within `parent`. */
export async function newLogFolder(parent: string): Promise<string> {
  const folder = join(parent, 'log')
  await createLogFolder(folder, { hubId: HUB_ID, nodeName: 'node1', nowMs: Date.now() })
  return folder
}

/** An entry that can be told from others by its number. */
export const numbered = (n: number): AuditEvent =>
  auditEvent('start', 'node', {
    version: '0.1.0',
    boot: n,
    config_sha256: createHash('sha256').update(String(n)).digest('hex')
  })

/** Appends `count` entries and waits for them. */
export async function appendMany(log: AuditLog, count: number): Promise<void> {
  for (let done = 0; done < count; done += AT_ONCE) {
    const numbers = Array.from({ length: Math.min(AT_ONCE, count - done) }, (_, n) => done + n)
    await Promise.all(numbers.map(n => log.append(numbered(n))))
  }
}
