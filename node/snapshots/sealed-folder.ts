import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, open, opendir } from 'node:fs/promises'
import { join } from 'node:path'
import { SEAL_FILE, SIGNATURE_FILE, SNAPSHOTS, contentProblem, parseSeal } from '../../federation/index.ts'
import type { Files, Judged, Seal, SealedItem } from '../../federation/index.ts'
import { errorCode, systemError } from '../setup-error.ts'

const READ = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)
const CHUNK_BYTES = 1024 * 1024

/** A folder whose files are those of its seal. Whose seal it is, is still to be judged. */
export interface WholeFolder {
  readonly seal: Seal
  /** Of `sha256.json`, and its signature file. */
  readonly sealed: Uint8Array
  readonly signature: string
}

/**
 * Compares a folder with the seal in it, file by file; memory does not grow with them. Links and all else that is no file
 * are refused. @throws SetupError for what cannot be read
 */
export async function wholeFolder(folder: string): Promise<Judged<WholeFolder>> {
  const names = await pathsIn(folder)
  if ('why' in names) return names
  for (const needed of [SEAL_FILE, SIGNATURE_FILE])
    if (!names.value.includes(needed)) return { why: 'missing', about: needed }
  const sealed = await smallFile(folder, SEAL_FILE, SNAPSHOTS.sealBytes)
  if ('why' in sealed) return sealed
  const signature = await smallFile(folder, SIGNATURE_FILE, SNAPSHOTS.signatureBytes)
  if ('why' in signature) return signature
  const seal = parseSeal(sealed.value)
  if ('why' in seal) return seal
  const found = await foundIn(folder, names.value, seal.value)
  if ('why' in found) return found
  const problem = contentProblem(seal.value, found.value)
  const whole = { seal: seal.value, sealed: sealed.value, signature: signature.value.toString() }
  return problem ?? { value: whole }
}

/** All files of a folder that holds a snapshot, which are small. @throws SetupError for what cannot be read */
export async function snapshotFiles(folder: string): Promise<Judged<Files>> {
  const names = await pathsIn(folder, SNAPSHOTS.packageFiles)
  if ('why' in names) return names
  const files = new Map<string, Uint8Array>()
  let left: number = SNAPSHOTS.packageBytes
  for (const path of names.value) {
    const read = await smallFile(folder, path, left)
    if ('why' in read) return read
    left -= read.value.length
    files.set(path, read.value)
  }
  return { value: files }
}

/** One file of a folder that holds a snapshot. @throws SetupError where it is not there */
export const snapshotFile = (folder: string, name: string): Promise<Judged<Uint8Array>> =>
  smallFile(folder, name, SNAPSHOTS.packageBytes)

/** The paths of all files below a folder, at most `most`; one without any is no file's, and ends it. */
async function pathsIn(folder: string, most = SNAPSHOTS.items + 2): Promise<Judged<string[]>> {
  const found: string[] = []
  const folders: string[] = ['']
  for (let at = folders.pop(); at !== undefined; at = folders.pop()) {
    if (at.split('/').length > SNAPSHOTS.pathSegments) return { why: 'path', about: shown(at) }
    const dir = await opendir(join(folder, at)).catch((error: unknown) => {
      throw systemError(join(folder, at), error)
    })
    let isEmpty = at !== ''
    try {
      for (let entry = await dir.read(); entry !== null; entry = await dir.read()) {
        isEmpty = false
        const path = at === '' ? entry.name : `${at}/${entry.name}`
        if (entry.isDirectory()) folders.push(path)
        else if (entry.isFile()) found.push(path)
        else return { why: 'not_a_file', about: shown(path) }
        if (found.length + folders.length > most)
          return { why: 'too_large', about: `more than ${most} files` }
      }
    } finally {
      await dir.close()
    }
    if (isEmpty) return { why: 'extra', about: shown(at) }
  }
  return { value: found }
}

/** What is listed is hashed; for what cannot be the listed file its length is enough. */
async function foundIn(
  folder: string,
  names: readonly string[],
  { items }: Seal
): Promise<Judged<readonly SealedItem[]>> {
  const listed = new Map(items.map(item => [item.path, item]))
  const found: SealedItem[] = []
  for (const path of names.filter(name => name !== SEAL_FILE && name !== SIGNATURE_FILE)) {
    const item = listed.get(path)
    if (item === undefined) found.push({ path, bytes: 0, sha256: '' })
    else {
      const hashed = await hashOf(folder, item)
      if ('why' in hashed) return hashed
      found.push(hashed.value)
    }
  }
  return { value: found }
}

async function hashOf(folder: string, { path, bytes }: SealedItem): Promise<Judged<SealedItem>> {
  return withFile(folder, path, async (file, size) => {
    if (size !== bytes) return { value: { path, bytes: size, sha256: '' } }
    const hash = createHash('sha256')
    const buffer = Buffer.alloc(Math.min(CHUNK_BYTES, size + 1))
    let read = 0
    while (read <= bytes) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length, null)
      if (bytesRead === 0) break
      read += bytesRead
      hash.update(buffer.subarray(0, bytesRead))
    }
    return { value: { path, bytes: read, sha256: hash.digest('hex') } }
  })
}

const smallFile = (folder: string, path: string, maxBytes: number): Promise<Judged<Buffer>> =>
  withFile(folder, path, async (file, size) => {
    const tooLarge = { why: 'too_large', about: `${shown(path)}: more than ${maxBytes} bytes` } as const
    if (size > maxBytes) return tooLarge
    const buffer = Buffer.alloc(size + 1)
    let read = 0
    for (let got = -1; got !== 0 && read < buffer.length; read += got)
      got = (await file.read(buffer, read, buffer.length - read, null)).bytesRead
    return read > size ? tooLarge : { value: buffer.subarray(0, read) }
  })

async function withFile<T>(
  folder: string,
  path: string,
  use: (file: FileHandle, size: number) => Promise<Judged<T>>
): Promise<Judged<T>> {
  const whole = join(folder, path)
  try {
    await using file = await open(whole, READ)
    const found = await file.stat()
    return found.isFile() ? await use(file, found.size) : { why: 'not_a_file', about: shown(path) }
  } catch (error) {
    if (errorCode(error) === 'ELOOP') return { why: 'not_a_file', about: shown(path) }
    throw systemError(whole, error)
  }
}

const shown = (text: string): string => JSON.stringify(text.slice(0, 64))
