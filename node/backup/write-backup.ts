import { existsSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { auditEvent, parseCheckpoint, parseNote } from '../audit/index.ts'
import type { AuditLog } from '../audit/index.ts'
import type { Capabilities } from '../capabilities/index.ts'
import { BACKUP_FILE, DATA_FOLDER_CONTENTS, FORMAT } from '../data-folder.ts'
import type { DataFolderPaths } from '../data-folder.ts'
import { createFile } from '../durable-file.ts'
import { SetupError } from '../setup-error.ts'
import type { Level } from '../stores/level.ts'
import { VERSION } from '../version.ts'
import { copyTree } from './copy-file.ts'
import type { CopyOptions } from './copy-file.ts'
import { copyLog } from './log-copy.ts'
import { formatManifest } from './manifest.ts'
import { newFolder } from './new-folder.ts'
import { rowsNow, writeRows } from './store-rows.ts'

/** What is copied in a way of its own or not at all, or belongs to the process alone. */
const OTHERWISE = new Set([
  'FORMAT',
  'store',
  'blobs',
  'dht',
  'snapshots',
  'audit',
  'audit-before',
  'lock',
  'tokens-lock',
  'admin.sock'
])
const AS_IT_IS = Object.keys(DATA_FOLDER_CONTENTS).filter(name => !OTHERWISE.has(name))

/** The data folder that this process holds, and what it has open of it. */
export interface BackupSources {
  readonly folder: DataFolderPaths
  readonly level: Level
  readonly log: AuditLog
  readonly capabilities: Capabilities
}

/** Where a backup is, and the head of the audit log in it; `root` in hex. */
export interface Backup {
  readonly folder: string
  readonly origin: string
  readonly size: number
  readonly root: string
}

/**
 * Writes a copy of a data folder in use into a new folder (0700), which appears under its name once it is whole and would
 * survive a power cut. Whatever was answered for before this was called is in it. An entry of the audit log tells of it.
 * @throws SetupError `cannotCreate` when there is anything in a folder of that name, `noInput` without a parent; the
 * signal's reason
 */
export async function writeBackup(
  path: string,
  { folder, level, log, capabilities }: BackupSources,
  options: CopyOptions = {}
): Promise<Backup> {
  refuseInside(path, folder.folder)
  const head = await newFolder(path, async target => {
    const { rows, files } = await capabilities.still(() => copyQuiet(folder.folder, target, level, options))
    await using _rows = rows
    const store = await writeRows(rows, join(target, 'store'), options.signal)
    const logsBefore = join(folder.folder, 'audit-before')
    if (existsSync(logsBefore)) await copyTree(logsBefore, join(target, 'audit-before'), options)
    const { checkpoint } = await copyLog(log, join(target, 'audit'), options)
    const found = headOf(checkpoint)
    const taken = Math.floor(Date.now() / 1000)
    const manifest = { ...found, data_format: FORMAT, version: VERSION, taken, files, store }
    await createFile(join(target, BACKUP_FILE), formatManifest(manifest))
    options.signal?.throwIfAborted()
    await log.append(auditEvent('backup', 'local', { size: found.size, root: found.root }))
    return found
  })
  return { folder: resolve(path), ...head }
}

/** Copies what changes only with rights, and holds fast what the store has at that moment. */
async function copyQuiet(from: string, to: string, level: Level, options: CopyOptions) {
  const files: Record<string, string> = {}
  for (const name of AS_IT_IS) {
    if (!existsSync(join(from, name))) continue
    const copied = (path: string, sha256: string): void => {
      files[path === '' ? name : `${name}/${path}`] = sha256
    }
    await copyTree(join(from, name), join(to, name), { ...options, copied })
  }
  return { files, rows: rowsNow(level) }
}

function headOf(note: string): Omit<Backup, 'folder'> {
  const { origin, size, root } = parseCheckpoint(parseNote(note).text)
  return { origin, size, root: Buffer.from(root).toString('hex') }
}

function refuseInside(path: string, data: string): void {
  const way = relative(data, resolve(path))
  if (way !== '' && (way.startsWith('..') || resolve(way) === way)) return
  throw new SetupError('badInput', `${path}: lies in the data folder; give a folder outside of it`)
}
