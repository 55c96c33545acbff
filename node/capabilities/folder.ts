import { existsSync } from 'node:fs'
import { chmod, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { createFolder, removeUnfinished } from '../durable-file.ts'
import { generateMinisign } from '../minisign.ts'
import { SetupError } from '../setup-error.ts'
import { formatRing, openKeyRing } from './key-ring-file.ts'
import { KeyRing, newRing } from './key-ring.ts'
import { emptyFiles, openRevocationFile } from './revocation-file.ts'
import { RevocationKeyFiles, signerOf, unsignedKeys } from './revocation-keys.ts'
import type { HubOfKeys, RevocationKeys } from './revocation-keys.ts'
import { RevocationList } from './revocation-list.ts'

/**
 * What lies in the folder of capabilities (0700). It is made whole or not at all. Who can read `root-keys.json` can
 * mint whatever the hub accepts; who can read `revocation.key` can revoke in its name; who can write can give back what
 * was revoked, by putting all files back to an earlier state: that leaves no trace here.
 */
export const CAPABILITY_FOLDER_CONTENTS = {
  'root-keys.json': 'the root keys: the current one and those in grace; replaced whole',
  'revocation.key': 'signs revocations; in the form of a minisign secret key without password',
  'revocation-delegation.json':
    "the hub key's word for it and for those before it, one a line; absent until the hub key has been there",
  'revocations.ndjson': 'what was revoked, one signed statement a line',
  'revocations.head': 'how much of it has been answered for'
} as const

export interface KeptCapabilities {
  readonly keys: KeyRing
  readonly revocations: RevocationList
  readonly signing: RevocationKeys
  /** Bytes of an unfinished revocation that a crash had left. */
  readonly tornBytes: number
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
  const signing = await RevocationKeyFiles.open(paths, hub)
  const { signer } = signing
  const file = await openRevocationFile(paths, signer)
  const revocations = new RevocationList({ signer, lines: file.lines, file })
  await signing.settle(revocations.from(0, 1)[0]?.statement.at)
  return { keys, revocations, signing, tornBytes: file.tornBytes }
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

/** Keys and revocations that end with the process. */
export function capabilitiesInMemory(hub: string): KeptCapabilities {
  return {
    keys: new KeyRing(newRing(), async () => {}),
    revocations: new RevocationList({ signer: signerOf(hub, generateMinisign().secretKey) }),
    signing: unsignedKeys,
    tornBytes: 0
  }
}
