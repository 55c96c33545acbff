import { existsSync } from 'node:fs'
import { chmod, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { MinisignSecretKey } from '../minisign.ts'
import {
  createFile,
  createFolder,
  readBoundedFile,
  readSecretFile,
  removeUnfinished
} from '../durable-file.ts'
import { generateMinisign, parseSecretKey } from '../minisign.ts'
import { SetupError } from '../setup-error.ts'
import {
  delegateKey,
  formatKeyDelegation,
  keyDelegationProblem,
  parseKeyDelegation
} from './key-delegation.ts'
import type { KeyDelegation } from './key-delegation.ts'
import { formatRing, openKeyRing } from './key-ring-file.ts'
import { KeyRing, newRing } from './key-ring.ts'
import { emptyFiles, openRevocationFile } from './revocation-file.ts'
import { RevocationList } from './revocation-list.ts'
import type { RevocationSigner } from './revocation-list.ts'

const MAX_FILE_BYTES = 8192
const DELEGATION_S = 10 * 365 * 24 * 3600
const FIRST_EPOCH = 1

/**
 * What lies in the folder of capabilities (0700). It is made whole or not at all. Who can read `root-keys.json` can
 * mint whatever the hub accepts; who can read `revocation.key` can revoke in its name; who can write can give back what
 * was revoked, by putting all files back to an earlier state: that leaves no trace here.
 */
export const CAPABILITY_FOLDER_CONTENTS = {
  'root-keys.json': 'the root keys: the current one and those in grace; replaced whole',
  'revocation.key': 'signs revocations; in the form of a minisign secret key without password',
  'revocation-delegation.json':
    "the hub key's word for it; absent until the hub key has been there to sign it",
  'revocations.ndjson': 'what was revoked, one signed statement a line',
  'revocations.head': 'how much of it has been answered for'
} as const

export interface KeptCapabilities {
  readonly keys: KeyRing
  readonly revocations: RevocationList
  /** The hub key's word for the key that signs revocations; undefined while the hub key has not been there. */
  readonly delegation: KeyDelegation | undefined
  /** Bytes of an unfinished revocation that a crash had left. */
  readonly tornBytes: number
}

export interface HubOfKeys {
  readonly hub: string
  readonly nodeName: string
  /** The hub key if it is here, to sign the delegation of a key that has none. */
  readonly hubKey: () => Promise<MinisignSecretKey | undefined>
  /** Milliseconds since 1970. */
  readonly now: number
}

interface Paths {
  readonly rootKeys: string
  readonly key: string
  readonly delegation: string
  readonly list: string
  readonly head: string
}

const pathsIn = (folder: string): Paths => ({
  rootKeys: join(folder, 'root-keys.json'),
  key: join(folder, 'revocation.key'),
  delegation: join(folder, 'revocation-delegation.json'),
  list: join(folder, 'revocations.ndjson'),
  head: join(folder, 'revocations.head')
})

/**
 * The keys and revocations of a folder, which is made when it is not there; only for who holds the data folder.
 * @throws SetupError `badInput`, `noInput`, `permission`, `newerFormat`; the message names the file and the way out.
 */
export async function openCapabilityFolder(folder: string, hub: HubOfKeys): Promise<KeptCapabilities> {
  if (!existsSync(folder)) await makeFolder(folder)
  else await checkFolder(folder)
  const paths = pathsIn(folder)
  const keys = await openKeyRing(paths.rootKeys, hub.now)
  const signer = signerOf(hub.hub, await readRevocationKey(paths.key))
  const file = await openRevocationFile(paths, signer)
  const revocations = new RevocationList({ signer, lines: file.lines, file })
  const delegation = await delegationIn(paths.delegation, hub, revocations, signer)
  return { keys, revocations, delegation, tornBytes: file.tornBytes }
}

async function makeFolder(folder: string): Promise<void> {
  const { list, head } = emptyFiles()
  await createFolder(folder, {
    'root-keys.json': formatRing(newRing()),
    'revocation.key': generateMinisign().text,
    'revocations.ndjson': list,
    'revocations.head': head
  })
}

async function checkFolder(folder: string): Promise<void> {
  const { mode } = await stat(folder)
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) await chmod(folder, 0o700)
  await removeUnfinished(folder)
  const { delegation: _, ...needed } = pathsIn(folder)
  const missing = Object.values(needed).find(path => !existsSync(path))
  if (missing === undefined) return
  throw new SetupError(
    'noInput',
    `${missing}: is gone; restore it from a backup, or move ${folder} away: root keys are then made anew, and no token of today is good under them`
  )
}

async function readRevocationKey(path: string): Promise<MinisignSecretKey> {
  const text = await readSecretFile(path, { maxBytes: MAX_FILE_BYTES })
  try {
    return parseSecretKey(text)
  } catch {
    throw new SetupError('badInput', `${path}: damaged; restore it from a backup`)
  }
}

const signerOf = (hub: string, { key, publicKey }: MinisignSecretKey): RevocationSigner => ({
  hub,
  key,
  publicKey: Buffer.from(publicKey).toString('hex'),
  epoch: FIRST_EPOCH
})

/** Keys and revocations that end with the process. */
export function capabilitiesInMemory(hub: string): KeptCapabilities {
  return {
    keys: new KeyRing(newRing(), async () => {}),
    revocations: new RevocationList({ signer: signerOf(hub, generateMinisign().secretKey) }),
    delegation: undefined,
    tornBytes: 0
  }
}

/** Reads the delegation, or has the hub key sign one if it is here. */
async function delegationIn(
  path: string,
  hub: HubOfKeys,
  revocations: RevocationList,
  signer: RevocationSigner
): Promise<KeyDelegation | undefined> {
  if (existsSync(path)) return readDelegation(path, signer)
  const hubKey = await hub.hubKey()
  if (hubKey === undefined) return undefined
  const nowS = Math.floor(hub.now / 1000)
  // What was revoked before the hub key came is its word too.
  const [first] = revocations.from(0, 1)
  const delegation = delegateKey(hubKey.key, {
    epoch: signer.epoch,
    hub: hub.hub,
    key: signer.publicKey,
    node: hub.nodeName,
    not_after: nowS + DELEGATION_S,
    not_before: Math.min(nowS, first?.statement.at ?? nowS),
    role: 'revocation'
  })
  await createFile(path, formatKeyDelegation(delegation))
  return delegation
}

async function readDelegation(path: string, { hub, publicKey }: RevocationSigner): Promise<KeyDelegation> {
  const text = await readBoundedFile(path, { maxBytes: MAX_FILE_BYTES })
  const wrong = (why: string): SetupError =>
    new SetupError(
      'badInput',
      `${path}: ${why}; restore it from a backup, or remove it while hub.key is here`
    )
  let delegation: KeyDelegation
  try {
    delegation = parseKeyDelegation(text)
  } catch (error) {
    throw error instanceof SyntaxError ? wrong(`damaged (${error.message})`) : error
  }
  const { statement } = delegation
  if (statement.hub !== hub) throw wrong(`made by hub ${statement.hub}, but this is ${hub}`)
  if (statement.key !== publicKey) throw wrong('made for another key than revocation.key')
  const problem = keyDelegationProblem(delegation)
  if (problem !== undefined) throw wrong(problem)
  return delegation
}
