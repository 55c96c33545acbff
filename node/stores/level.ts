import type { AbstractLevel } from 'abstract-level'
import { ClassicLevel } from 'classic-level'
import { MemoryLevel } from 'memory-level'
import { SetupError, errorCode, systemError } from '../setup-error.ts'
import { isDiskFull } from './disk-full.ts'

/**
 * Ordered keys and bytes, on disk or in memory; each store takes a sublevel of its own. Only a write with
 * `sync: true` survives a power cut. LevelDB keeps no checksums over what it returns, so records carry their own; an
 * attacker who can write to the folder can change, drop or roll back anything in it.
 */
export type Level = AbstractLevel<string | Buffer | Uint8Array, string, Uint8Array>

/** Brings a store from the version of its place in the list (the first from 1 to 2) to the next; may run twice. */
export type Migration = (level: Level) => Promise<void>

const FORMAT_KEY = 'format'
/** LevelDB's words: its code is that of all that the file system refuses. */
const TOO_MANY_FILES = /too many open files/i
const ENCODING = { keyEncoding: 'utf8', valueEncoding: 'view' } as const
/**
 * What is kept in memory before it becomes a file; twice that at the most. LevelDB's own 4 MiB has it sort small messages
 * twice as often, and after `kill -9` as much is read again.
 */
export const WRITE_BUFFER_BYTES = 16 * 1024 * 1024

/**
 * Opens the store in a folder, or for the location `memory` an empty one that ends with the process. An older format is
 * migrated in place.
 * @throws SetupError `inUse`, `newerFormat`, `badInput` for a damaged or foreign store.
 */
export async function openLevel(
  location: string,
  {
    migrations = [],
    writeBufferBytes = WRITE_BUFFER_BYTES
  }: { readonly migrations?: readonly Migration[]; readonly writeBufferBytes?: number } = {}
): Promise<Level> {
  const level: Level =
    location === 'memory'
      ? new MemoryLevel(ENCODING)
      : new ClassicLevel(location, { ...ENCODING, writeBufferSize: writeBufferBytes })
  try {
    await level.open()
  } catch (error) {
    throw openError(location, error)
  }
  try {
    await settleFormat(level, location, migrations)
  } catch (error) {
    await level.close()
    throw systemError(`store ${location}`, storeError(location, error))
  }
  return level
}

async function settleFormat(level: Level, location: string, migrations: readonly Migration[]): Promise<void> {
  const newest = migrations.length + 1
  const found = await readFormat(level, location, newest)
  if (found > newest) {
    throw new SetupError(
      'newerFormat',
      `store ${location} has format ${found}, this version reads up to ${newest}: use the newer omnigate that wrote it`
    )
  }
  for (const [i, migrate] of migrations.entries()) {
    if (i + 1 < found) continue
    await migrate(level)
    await writeFormat(level, i + 2)
  }
}

async function readFormat(level: Level, location: string, newest: number): Promise<number> {
  const bytes = await level.get(FORMAT_KEY)
  if (bytes === undefined) {
    const [first] = await level.keys({ limit: 1 }).all()
    if (first !== undefined)
      throw new SetupError(
        'badInput',
        `store ${location} has no format: it is damaged, or another program wrote it; restore it from a backup, or give another folder`
      )
    await writeFormat(level, newest)
    return newest
  }
  const text = Buffer.from(bytes).toString()
  if (!/^[1-9]\d{0,8}$/.test(text))
    throw new SetupError(
      'badInput',
      `store ${location}: its format version is damaged; restore it from a backup`
    )
  return Number(text)
}

// abstract-level passes options it does not know on to the implementation; memory-level ignores sync.
async function writeFormat(level: Level, format: number): Promise<void> {
  const durable: object = { sync: true }
  await level.put(FORMAT_KEY, Buffer.from(String(format)), durable)
}

/**
 * What a store threw, as a `SetupError` where its files or the system are at fault; other errors come back untouched. LevelDB
 * opens a store without looking into all of its files: any reading may be the first to find one damaged or cut short.
 */
export function storeError(location: string, error: unknown): unknown {
  if (error instanceof SetupError) return error
  const lacking = lackingError(location, error)
  if (lacking !== undefined) return lacking
  const code = errorCode(error)
  if (code !== 'LEVEL_CORRUPTION' && code !== 'LEVEL_IO_ERROR') return error
  return new SetupError(
    code === 'LEVEL_IO_ERROR' ? 'io' : 'badInput',
    `store ${location} cannot be read: ${(error as Error).message}; if the disk is sound the store is damaged: restore it from a backup`,
    { cause: error }
  )
}

/** What the system lacks for the store: its files are whole, and a backup would lose what came after it. */
function lackingError(location: string, error: unknown): SetupError | undefined {
  if (isDiskFull(error))
    return new SetupError('io', `store ${location}: the disk is full; make room there`, { cause: error })
  if (errorCode(error) !== 'LEVEL_IO_ERROR' || !TOO_MANY_FILES.test((error as Error).message))
    return undefined
  return new SetupError(
    'io',
    `store ${location}: too many open files; raise the limit of open files with: ulimit -n`,
    { cause: error }
  )
}

function openError(location: string, error: unknown): unknown {
  const cause = error instanceof Error ? error.cause : undefined
  const lacking = lackingError(location, cause)
  if (lacking !== undefined) return lacking
  const code = errorCode(cause)
  if (code === 'LEVEL_LOCKED') {
    return new SetupError('inUse', `store ${location} is in use by another process: stop it first`)
  }
  if (code === 'LEVEL_CORRUPTION') {
    return new SetupError('badInput', `store ${location} is damaged: restore it from a backup`, {
      cause: error
    })
  }
  const detail = cause instanceof Error ? cause.message : String(error)
  return new SetupError(
    'io',
    `store ${location} cannot be opened: ${detail}; check the disk and the permissions`,
    { cause: error }
  )
}
