import { existsSync } from 'node:fs'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { AuditLog, createLogFolder, auditEvent, logPaths, parseOrigin, verifyAudit } from '../audit/index.ts'
import { FORMAT, dataFolderPaths } from '../data-folder.ts'
import { createFile, readBoundedFile, syncFolder } from '../durable-file.ts'
import { readHubKey } from '../hub-key.ts'
import { loadKeys } from '../keys.ts'
import { SetupError } from '../setup-error.ts'
import { copyFile, copyTree } from './copy-file.ts'
import type { CopyOptions } from './copy-file.ts'
import { readManifest } from './manifest.ts'
import type { Manifest } from './manifest.ts'
import { newFolder } from './new-folder.ts'
import { sumStore } from './store-rows.ts'

const MAX_KEY_BYTES = 8192

/** What a restored data folder goes on from, and with. */
export interface Restored {
  readonly folder: string
  readonly hubId: string
  /** Unix seconds when the backup was taken. */
  readonly taken: number
  /** The log of before, up to its head in the backup; `root` in hex. */
  readonly before: {
    readonly folder: string
    readonly origin: string
    readonly size: number
    readonly root: string
  }
  /** Of the new log. */
  readonly origin: string
}

/**
 * Makes a data folder of a backup, which it checks and leaves as it is. The folder begins an audit log of its own, whose
 * first entry names the log of before; that lies in `audit-before` and can be verified, but not gone on with. The folder
 * appears under its name once it is whole and would survive a power cut.
 * @throws SetupError `cannotCreate` when there is anything in a folder of that name; `badInput` naming what is damaged in
 * the backup, `newerFormat`, `noInput`; the signal's reason
 */
export async function restoreBackup(
  backup: string,
  path: string,
  options: CopyOptions = {}
): Promise<Restored> {
  const manifest = await readManifest(backup)
  const { taken, size, root } = manifest
  if (manifest.data_format > FORMAT)
    throw new SetupError(
      'newerFormat',
      `backup ${backup} is of a data folder of format ${manifest.data_format}, this version reads up to ${FORMAT}: use the newer omnigate that wrote it`
    )
  const logId = parseOrigin(manifest.origin)?.logId
  if (logId === undefined) throw damaged(backup, 'backup.json: the origin is none')
  const made = await newFolder(path, async target => {
    await copyFiles(backup, target, manifest, options)
    await copyStore(backup, target, manifest, options)
    await copyLogs(backup, target, logId, options)
    await verifyLog(backup, join(target, 'audit-before', logId), manifest)
    const keys = await loadKeys(join(target, 'keys'), { nowMs: Date.now(), atAnyTime: true })
    const origin = await beginLog(target, keys.hubId, keys.delegation.statement.node, manifest)
    await createFile(dataFolderPaths(target).format, `${manifest.data_format}\n`)
    return { hubId: keys.hubId, origin }
  })
  const folder = resolve(path)
  const before = { folder: join(folder, 'audit-before', logId), origin: manifest.origin, size, root }
  return { folder, taken, before, ...made }
}

async function copyFiles(from: string, to: string, { files }: Manifest, options: CopyOptions): Promise<void> {
  const tops = new Set(Object.keys(files).map(path => path.split('/')[0]!))
  const copied = new Map<string, string>()
  for (const name of tops) {
    if (!/^[a-z][a-z.-]*$/.test(name) || !existsSync(join(from, name)))
      throw damaged(from, `${name} is missing`)
    const note = (path: string, sha256: string): void => {
      copied.set(path === '' ? name : `${name}/${path}`, sha256)
    }
    await copyTree(join(from, name), join(to, name), { ...options, copied: note })
  }
  for (const path of new Set([...copied.keys(), ...Object.keys(files)])) {
    if (copied.get(path) !== files[path]) throw damaged(from, `${path} is not what was backed up`)
  }
}

async function copyStore(from: string, to: string, { store }: Manifest, options: CopyOptions): Promise<void> {
  const [source, target] = [join(from, 'store'), join(to, 'store')]
  if (!existsSync(source)) throw damaged(from, 'store is missing')
  await mkdir(target, { mode: 0o700 })
  for (const name of await readdir(source)) {
    if (name !== 'LOCK' && !name.startsWith('LOG'))
      await copyFile(join(source, name), join(target, name), options)
  }
  await syncFolder(target)
  const { rows, sha256 } = await sumStore(target, options.signal).catch((error: unknown) => {
    if (error instanceof SetupError && error.reason === 'badInput') throw damaged(from, 'store is damaged')
    throw error
  })
  if (rows !== store.rows || sha256 !== store.sha256)
    throw damaged(from, `store has ${rows} rows, and not the ${store.rows} that were backed up`)
}

/** The log of the backup and those before it; nothing in them can sign. */
async function copyLogs(from: string, to: string, logId: string, options: CopyOptions): Promise<void> {
  const before = join(to, 'audit-before')
  if (existsSync(join(from, 'audit-before'))) await copyTree(join(from, 'audit-before'), before, options)
  else await mkdir(before, { mode: 0o700 })
  if (!existsSync(join(from, 'audit'))) throw damaged(from, 'audit is missing')
  await copyTree(join(from, 'audit'), join(before, logId), options)
  await rm(logPaths(join(before, logId)).key, { force: true })
  await syncFolder(before)
}

async function verifyLog(backup: string, folder: string, { origin, size, root }: Manifest): Promise<void> {
  const key = await readBoundedFile(logPaths(folder).verifierKey, { maxBytes: MAX_KEY_BYTES })
  const verdict = await verifyAudit(folder, key)
  if (!verdict.ok) throw damaged(backup, `audit: ${verdict.problem?.message ?? 'wrong'}`)
  const lines = (await readBoundedFile(logPaths(folder).checkpoint, { maxBytes: MAX_KEY_BYTES })).split('\n')
  const found = [lines[0], Number(lines[1]), Buffer.from(lines[2] ?? '', 'base64').toString('hex')]
  if (found[0] === origin && found[1] === size && found[2] === root) return
  throw damaged(backup, 'audit is not the log that was backed up')
}

async function beginLog(
  target: string,
  hubId: string,
  nodeName: string,
  { origin, size, root }: Manifest
): Promise<string> {
  const folder = join(target, 'audit')
  const hubKey = (await readHubKey(join(target, 'keys')))?.key
  const made = await createLogFolder(folder, {
    hubId,
    nodeName,
    nowMs: Date.now(),
    ...(hubKey && { hubKey })
  })
  await using log = await AuditLog.open(folder)
  await log.append(auditEvent('restore', 'local', { origin, size, root }))
  return made
}

const damaged = (backup: string, what: string): SetupError =>
  new SetupError('badInput', `backup ${backup}: ${what}; restore from another backup`)
