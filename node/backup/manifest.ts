import { join } from 'node:path'
import { canonicalJson } from '../../federation/index.ts'
import { BACKUP_FILE } from '../data-folder.ts'
import { readBoundedFile } from '../durable-file.ts'
import { SetupError, systemError } from '../setup-error.ts'
import type { RowSum } from './store-rows.ts'

const FORMAT = 1
const MAX_BYTES = 1024 * 1024

/** What a backup says of itself, in `backup.json`; written last. */
export interface Manifest {
  /** Of the backup's layout. */
  readonly format: number
  /** Of the data folder's. */
  readonly data_format: number
  readonly version: string
  /** Unix seconds. */
  readonly taken: number
  /** The audit log in it, and the head under which it was copied; `root` in hex. */
  readonly origin: string
  readonly size: number
  readonly root: string
  /** The SHA-256 in hex of each file that is neither of the store nor of an audit log. */
  readonly files: Readonly<Record<string, string>>
  readonly store: RowSum
}

export function formatManifest(manifest: Omit<Manifest, 'format'>): string {
  const { store, files, ...rest } = manifest
  return `${canonicalJson({ ...rest, files: { ...files }, store: { ...store }, format: FORMAT })}\n`
}

/** The manifest of a backup. @throws SetupError `noInput`, `badInput`, `newerFormat`, `permission` */
export async function readManifest(folder: string): Promise<Manifest> {
  const path = join(folder, BACKUP_FILE)
  const text = await readBoundedFile(path, { maxBytes: MAX_BYTES }).catch((error: unknown) => {
    if (!(error instanceof SetupError) || error.reason !== 'noInput') throw systemError(path, error)
    throw new SetupError('noInput', `${path}: not there, so this is no whole backup; give the folder of one`)
  })
  const manifest = parsed(text)
  if (manifest === undefined)
    throw new SetupError('badInput', `${path}: damaged; restore from another backup`)
  if (manifest.format > FORMAT)
    throw new SetupError(
      'newerFormat',
      `${path}: format ${manifest.format}, this version reads up to ${FORMAT}: use the newer omnigate that wrote it`
    )
  return manifest
}

const WHOLE = ['format', 'data_format', 'taken', 'size'] as const
const WORDS = ['version', 'origin', 'root'] as const
const HEX = /^[0-9a-f]{64}$/

function parsed(text: string): Manifest | undefined {
  let value: Partial<Manifest>
  try {
    value = JSON.parse(text) as Partial<Manifest>
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const { store, files } = value
  if (typeof store !== 'object' || typeof files !== 'object' || store === null || files === null)
    return undefined
  const isWhole =
    WHOLE.every(name => Number.isSafeInteger(value[name]) && value[name]! >= 0) &&
    WORDS.every(name => typeof value[name] === 'string') &&
    Number.isSafeInteger(store.rows) &&
    [value.root, store.sha256, ...Object.values(files)].every(hex => HEX.test(String(hex)))
  return isWhole ? (value as Manifest) : undefined
}
