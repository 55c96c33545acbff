import { type KeyObject, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import {
  canonicalJson,
  delegateLog,
  formatLogDelegation,
  formatVerifierKey,
  hubId,
  noteKey,
  parseOrigin,
  publicBytes
} from '../../federation/index.ts'
import type { NoteKey } from '../../federation/index.ts'
import { createFile, createFolder, readBoundedFile, readSecretFile } from '../durable-file.ts'
import { type MinisignSecretKey, formatPublicKey, generateMinisign, parseSecretKey } from '../minisign.ts'
import { SetupError } from '../setup-error.ts'

const FORMAT = 1
const LOG_ID_BYTES = 8
const MAX_FILE_BYTES = 8192

/**
 * What lies in the folder of one log (0700). Everything but `log.key` and `lock` may be shown to anyone who may read the
 * entries; `checkpoint` and `tile` are what a C2SP mirror serves. Who can read `log.key` can sign a false history, which
 * whoever holds an older checkpoint will see; who can write can destroy, which `verify` names.
 */
export const LOG_FOLDER_CONTENTS = {
  'log.json': 'format and origin; written first, never changed',
  'log.key':
    'the key that signs checkpoints and seals, in the form of a minisign secret key without password',
  'log.pub': 'its minisign public key',
  'log.vkey': 'its verifier key for signed notes',
  'delegation.json': "the hub key's word for it; absent until the hub key has signed it",
  segments: 'the entries, in folders named by their first sequence',
  tile: 'the hashes; derived from the entries, and all that is left of pruned ones',
  checkpoint: 'the newest signed head',
  lock: 'held by the process that appends, freed by the kernel when it ends'
} as const

export interface LogPaths {
  readonly folder: string
  readonly log: string
  readonly key: string
  readonly minisignKey: string
  readonly verifierKey: string
  readonly delegation: string
  readonly segments: string
  readonly checkpoint: string
  readonly lock: string
}

export function logPaths(folder: string): LogPaths {
  return {
    folder,
    log: join(folder, 'log.json'),
    key: join(folder, 'log.key'),
    minisignKey: join(folder, 'log.pub'),
    verifierKey: join(folder, 'log.vkey'),
    delegation: join(folder, 'delegation.json'),
    segments: join(folder, 'segments'),
    checkpoint: join(folder, 'checkpoint'),
    lock: join(folder, 'lock')
  }
}

export interface LogIdentity {
  readonly origin: string
  readonly logId: string
  /** Verifies checkpoints. */
  readonly key: NoteKey
  /** Signs checkpoints, and sealed segments in minisign's form. */
  readonly secretKey: MinisignSecretKey
}

export interface NewLog {
  readonly hubId: string
  readonly nodeName: string
  readonly nowMs: number
  /** Signs the delegation; left out when the hub key is offline, see `addLogDelegation`. */
  readonly hubKey?: KeyObject
  readonly random?: (bytes: number) => Uint8Array
}

/**
 * Makes the folder of a new, empty log with a key and a log id of its own, all or nothing; its parent must exist.
 * Yields its origin once it would survive a power cut.
 * @throws SetupError `cannotCreate` when the folder has anything in it.
 */
export async function createLogFolder(folder: string, log: NewLog): Promise<string> {
  const { random = randomBytes, nodeName } = log
  const origin = `${log.hubId}/${nodeName}/${Buffer.from(random(LOG_ID_BYTES)).toString('hex')}`
  if (parseOrigin(origin) === undefined) throw new RangeError(`${origin}: not an origin`)
  const { secretKey, text } = generateMinisign(random)
  const key = noteKey(origin, secretKey.publicKey)
  await createFolder(folder, {
    'log.json': `${canonicalJson({ format: FORMAT, origin })}\n`,
    'log.key': text,
    'log.pub': formatPublicKey(secretKey),
    'log.vkey': `${formatVerifierKey(key)}\n`,
    ...(log.hubKey && { 'delegation.json': delegationText(log.hubKey, key, log.nowMs) })
  })
  return origin
}

/**
 * Lays the hub key's word for a log beside it.
 * @throws SetupError `badInput` when the log is another hub's, `cannotCreate` when there is a delegation already.
 */
export async function addLogDelegation(
  folder: string,
  { hubKey, nowMs }: { readonly hubKey: KeyObject; readonly nowMs: number }
): Promise<void> {
  const { key } = await readLogIdentity(folder)
  if (parseOrigin(key.name)?.hubId !== hubId(publicBytes(hubKey)))
    throw new SetupError('badInput', `${folder}: log ${key.name} belongs to another hub than this key`)
  await createFile(logPaths(folder).delegation, delegationText(hubKey, key, nowMs))
}

function delegationText(hubKey: KeyObject, key: NoteKey, nowMs: number): string {
  const statement = {
    hub: hubId(publicBytes(hubKey)),
    issued_s: Math.floor(nowMs / 1000),
    key: formatVerifierKey(key),
    role: 'audit-log' as const
  }
  return formatLogDelegation(delegateLog(hubKey, statement))
}

/** @throws SetupError `noInput`, `badInput`, `newerFormat`, `permission` when others may read the key. */
export async function readLogIdentity(folder: string): Promise<LogIdentity> {
  const paths = logPaths(folder)
  const origin = await readLogOrigin(folder)
  const text = await readSecretFile(paths.key, { maxBytes: MAX_FILE_BYTES })
  const secretKey = secretOf(text, paths.key)
  const key = noteKey(origin, secretKey.publicKey)
  const vkey = await readBoundedFile(paths.verifierKey, { maxBytes: MAX_FILE_BYTES })
  if (vkey !== `${formatVerifierKey(key)}\n`)
    throw new SetupError(
      'badInput',
      `${paths.verifierKey}: does not belong to log.key; restore both from a backup`
    )
  return { origin, logId: parseOrigin(origin)!.logId, key, secretKey }
}

/** The origin of the log in a folder. @throws SetupError as `readLogIdentity` */
export async function readLogOrigin(folder: string): Promise<string> {
  const path = logPaths(folder).log
  const text = await readBoundedFile(path, { maxBytes: MAX_FILE_BYTES })
  const [, digits, origin = ''] = /^\{"format":([1-9]\d{0,8}),"origin":"([^"\\]*)"\}\n$/.exec(text) ?? []
  if (digits === undefined || parseOrigin(origin) === undefined)
    throw new SetupError('badInput', `${path}: damaged; restore it from a backup`)
  if (Number(digits) > FORMAT)
    throw new SetupError('newerFormat', `${path}: format ${digits}, this version reads up to ${FORMAT}`)
  return origin
}

// A parser's message may quote its input, so it is dropped.
function secretOf(text: string, path: string): MinisignSecretKey {
  try {
    return parseSecretKey(text)
  } catch {
    throw new SetupError('badInput', `${path}: damaged; restore it from a backup`)
  }
}
