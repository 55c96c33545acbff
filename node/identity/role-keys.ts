import { existsSync } from 'node:fs'
import { join } from 'node:path'
import {
  type Delegation,
  type Role,
  authorityProblem,
  formatDelegation,
  parseDelegation
} from '../../federation/index.ts'
import { createFile, readBoundedFile, readSecretFile, replaceFile } from '../durable-file.ts'
import { type MinisignSecretKey, generateMinisign, parseSecretKey } from '../minisign.ts'
import { SetupError } from '../setup-error.ts'

const MAX_KEY_BYTES = 8192
const MOST_KEPT = 32
const MAX_DELEGATION_BYTES = MOST_KEPT * 1024

/** Roles whose key lies beside the node key, as `<role>.key` in minisign's form with its delegations in `<role>.json`. */
export const OWN_KEY_ROLES = ['message', 'receipt', 'witness', 'snapshot', 'manifest'] as const
export type OwnKeyRole = (typeof OWN_KEY_ROLES)[number]
/** Roles whose delegations lie in a folder of keys; those of `link` and `revocation` lie beside their keys. */
export const KEPT_ROLES = [...OWN_KEY_ROLES, 'log'] as const
export type KeptRole = (typeof KEPT_ROLES)[number]

const roleFile = (folder: string, role: KeptRole, suffix: 'key' | 'json'): string =>
  join(folder, `${role}.${suffix}`)

/** The key of a role; undefined while nobody has asked for one. @throws SetupError `permission`, `badInput` */
export async function readRoleKey(folder: string, role: OwnKeyRole): Promise<MinisignSecretKey | undefined> {
  const path = roleFile(folder, role, 'key')
  if (!existsSync(path)) return undefined
  const text = await readSecretFile(path, { maxBytes: MAX_KEY_BYTES })
  try {
    return parseSecretKey(text)
  } catch {
    throw new SetupError('badInput', `${path}: damaged; restore it from a backup`)
  }
}

/** The key of a role, made durably if there is none. @throws SetupError as `readRoleKey` */
export async function ensureRoleKey(folder: string, role: OwnKeyRole): Promise<MinisignSecretKey> {
  const found = await readRoleKey(folder, role)
  if (found !== undefined) return found
  const { secretKey, text } = generateMinisign()
  await createFile(roleFile(folder, role, 'key'), text)
  return secretKey
}

/** Puts another key file in the place of a role's, whole or not at all. */
export const replaceRoleKey = (folder: string, role: OwnKeyRole, text: string): Promise<void> =>
  replaceFile(roleFile(folder, role, 'key'), text)

/** With what a node signs in a role. */
export interface RoleSigner {
  readonly secretKey: MinisignSecretKey
  /** The newest one for this key. */
  readonly delegation: Delegation<OwnKeyRole>
}

/**
 * The key of a role with the hub's word for it; undefined while the hub key has not signed for one. A newer delegation
 * for a key that is not there belongs to a rotation that was cut short, and is passed over. @throws SetupError
 */
export async function readRoleSigner(
  folder: string,
  role: OwnKeyRole,
  hub: string
): Promise<RoleSigner | undefined> {
  const secretKey = await readRoleKey(folder, role)
  if (secretKey === undefined) return undefined
  const key = Buffer.from(secretKey.publicKey).toString('hex')
  const all: readonly Delegation<OwnKeyRole>[] = await readRoleDelegations(folder, role, hub)
  const delegation = all.findLast(({ statement }) => statement.key === key)
  return delegation && { secretKey, delegation }
}

/**
 * The hub's words for the keys of a role of one node, by epoch, the newest last; none while there is no file.
 * @throws SetupError `badInput` naming what is wrong with the file
 */
export async function readRoleDelegations<R extends KeptRole>(
  folder: string,
  role: R,
  hub: string
): Promise<readonly Delegation<R>[]> {
  const path = roleFile(folder, role, 'json')
  if (!existsSync(path)) return []
  const text = await readBoundedFile(path, { maxBytes: MAX_DELEGATION_BYTES })
  try {
    const all = text.split(/(?<=\n)/).map(line => parseDelegation(line, role))
    const problem = all.map(one => problemOf(one, hub)).find(found => found !== undefined)
    if (problem !== undefined) throw new SyntaxError(problem)
    return all
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new SetupError('badInput', `${path}: damaged (${error.message}); restore it from a backup`)
  }
}

/** Adds the newest. Durable. */
export async function addRoleDelegation<R extends KeptRole>(
  folder: string,
  before: readonly Delegation<R>[],
  delegation: Delegation<R>
): Promise<void> {
  const all = [...before, delegation].slice(-MOST_KEPT)
  const path = roleFile(folder, delegation.statement.role as KeptRole, 'json')
  await replaceFile(path, all.map(one => formatDelegation(one as Delegation<Role>)).join(''))
}

function problemOf(delegation: Delegation<Role>, hub: string): string | undefined {
  const { statement } = delegation
  return statement.hub === hub ? authorityProblem(delegation) : `made by hub ${statement.hub}`
}
