import { existsSync } from 'node:fs'
import { join } from 'node:path'
import {
  DELEGATION,
  type Delegation,
  ROLES,
  type Role,
  authorityProblem,
  formatDelegation,
  parseSigned
} from '../../federation/index.ts'
import { readBoundedFile, replaceFile } from '../durable-file.ts'
import { SetupError } from '../setup-error.ts'

/** What the hub key has signed for nodes whose keys lie elsewhere: one delegation a line, in the order of signing. */
const FILE = 'others.ndjson'
const MAX_BYTES = 256 * 1024
/** What a peer keeps of one hub, less one for each role of this node. */
const MOST = 256 - ROLES.length

/** @throws SetupError `badInput` naming what is wrong with the file */
export async function readDelegationsOfOthers(
  folder: string,
  hub: string
): Promise<readonly Delegation<Role>[]> {
  const path = join(folder, FILE)
  if (!existsSync(path)) return []
  const text = await readBoundedFile(path, { maxBytes: MAX_BYTES })
  try {
    if (!text.endsWith('\n')) throw new SyntaxError('does not end with a line feed')
    return text
      .slice(0, -1)
      .split('\n')
      .map(line => verified(line, hub))
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new SetupError('badInput', `${path}: damaged (${error.message}); restore it from a backup`)
  }
}

/** @throws SetupError `failed` when there are as many as a peer takes of one hub; for before one more is signed. */
export function refuseTooMany(folder: string, before: readonly Delegation<Role>[]): void {
  if (before.length >= MOST)
    throw new SetupError(
      'failed',
      `${join(folder, FILE)}: holds ${before.length} delegations, as many as a peer keeps of one hub`
    )
}

/** Adds one. Durable. */
export async function addDelegationOfOther(
  folder: string,
  before: readonly Delegation<Role>[],
  delegation: Delegation<Role>
): Promise<void> {
  await replaceFile(join(folder, FILE), [...before, delegation].map(formatDelegation).join(''))
}

function verified(line: string, hub: string): Delegation<Role> {
  const delegation = parseSigned(DELEGATION, line) as Delegation<Role>
  if (delegation.statement.hub !== hub) throw new SyntaxError(`made by hub ${delegation.statement.hub}`)
  const problem = authorityProblem(delegation)
  if (problem !== undefined) throw new SyntaxError(problem)
  return delegation
}
