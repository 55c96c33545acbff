import { existsSync } from 'node:fs'
import { join } from 'node:path'
import {
  type Delegation,
  type KeyRevocation,
  type Role,
  delegatedKey,
  parseDelegation
} from '../../federation/index.ts'
import { logPaths } from '../audit/index.ts'
import { checkDataFolder, dataFolderPaths } from '../data-folder.ts'
import { readBoundedFile } from '../durable-file.ts'
import { type NodeKeys, loadKeys } from '../keys.ts'
import { SetupError } from '../setup-error.ts'
import { readDelegationsOfOthers } from './others.ts'
import { readRevoked } from './revoked.ts'
import { KEPT_ROLES, readRoleDelegations } from './role-keys.ts'

const MAX_BYTES = 8192

/** `superseded` by a later epoch: what its key signs still counts while its time lasts. */
export type DelegationState = 'in force' | 'superseded' | 'expired' | 'not yet' | 'revoked'

export interface DelegationRow {
  readonly delegation: Delegation<Role>
  readonly state: DelegationState
}

export interface KeyOverview {
  readonly keys: NodeKeys
  /** What the hub key has signed here, of this node and of others, by role. */
  readonly delegations: readonly DelegationRow[]
  readonly revoked: readonly KeyRevocation[]
  /** The keys that this node has and the hub key has not signed for. */
  readonly unsigned: readonly ('log' | 'revocation')[]
}

/**
 * The public side of the keys of a data folder, each checked; also beside a running node. @throws SetupError as
 * `loadKeys`, but for a delegation whose time has not come or is over, which the rows tell
 */
export async function keyOverview(path: string, nowMs: number): Promise<KeyOverview> {
  await checkDataFolder(path)
  const { folder, keys: keysFolder } = dataFolderPaths(path)
  const keys = await loadKeys(keysFolder, { nowMs, atAnyTime: true })
  const kept = await Promise.all(KEPT_ROLES.map(role => readRoleDelegations(keysFolder, role, keys.hubId)))
  const revocation = await revocationDelegations(folder)
  const all: readonly Delegation<Role>[] = [
    ...keys.delegations,
    ...revocation,
    ...kept.flat(),
    ...(await readDelegationsOfOthers(keysFolder, keys.hubId))
  ]
  const log = logPaths(join(folder, 'audit'))
  const lacksLog = existsSync(log.log) && !existsSync(log.delegation)
  const lacksRevocation = existsSync(join(folder, 'capabilities')) && revocation.length === 0
  const revoked = await readRevoked(keysFolder, keys.hubId)
  const revokedKeys = new Set(revoked.map(({ statement }) => statement.key))
  const state = (delegation: Delegation<Role>): DelegationState =>
    revokedKeys.has(Buffer.from(delegatedKey(delegation.statement) ?? []).toString('hex'))
      ? 'revoked'
      : stateOf(delegation, all, Math.floor(nowMs / 1000))
  return {
    keys,
    delegations: all.map(delegation => ({ delegation, state: state(delegation) })),
    revoked,
    unsigned: [...(lacksLog ? (['log'] as const) : []), ...(lacksRevocation ? (['revocation'] as const) : [])]
  }
}

function stateOf(
  { statement }: Delegation<Role>,
  all: readonly Delegation<Role>[],
  nowS: number
): DelegationState {
  if (nowS > statement.not_after) return 'expired'
  if (nowS < statement.not_before) return 'not yet'
  const isNewest = !all.some(
    ({ statement: { node, role, epoch, not_before } }) =>
      node === statement.node && role === statement.role && epoch > statement.epoch && not_before <= nowS
  )
  return isNewest ? 'in force' : 'superseded'
}

async function revocationDelegations(folder: string): Promise<readonly Delegation<'revocation'>[]> {
  const path = join(folder, 'capabilities', 'revocation-delegation.json')
  if (!existsSync(path)) return []
  const text = await readBoundedFile(path, { maxBytes: MAX_BYTES })
  try {
    return text.split(/(?<=\n)/).map(line => parseDelegation(line, 'revocation'))
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new SetupError('badInput', `${path}: damaged (${error.message}); restore it from a backup`)
  }
}
