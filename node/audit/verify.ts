import { stat } from 'node:fs/promises'
import { SetupError, systemError } from '../setup-error.ts'
import { type AuditProblem, type AuditVerdict, Finding } from './verdict.ts'
import { ExportVerification } from './verify-export.ts'
import { LogVerification } from './verify-log.ts'

export interface VerifyOptions {
  /** Signed notes that the auditor or a witness kept: the log must have grown out of each. */
  readonly checkpoints?: readonly string[]
}

/**
 * Whether a log is whole and what its checkpoints cover, offline: a log's folder, or an exported file with its `.proof`
 * beside it. `publicKey` is the only thing believed: a verifier key, a hub id, or a minisign public key. Reads all of it
 * piece by piece; memory does not grow with a folder's length.
 * @throws SetupError `noInput`, `permission` when there is nothing to read.
 */
export async function verifyAudit(
  path: string,
  publicKey: string,
  { checkpoints = [] }: VerifyOptions = {}
): Promise<AuditVerdict> {
  const isFolder = await stat(path).then(
    found => found.isDirectory(),
    (error: unknown) => {
      throw systemError(path, error)
    }
  )
  const verification = isFolder ? new LogVerification(path) : new ExportVerification(path)
  try {
    await verification.run(publicKey, checkpoints)
    return { ok: true, ...verification.progress }
  } catch (error) {
    return { ok: false, ...verification.progress, problem: problemOf(error) }
  }
}

function problemOf(error: unknown): AuditProblem {
  if (error instanceof Finding) return error.problem
  // A damaged or foreign file among those of the log; what the system refuses stays an error.
  if (error instanceof SetupError && ['badInput', 'newerFormat', 'noInput'].includes(error.reason))
    return { fault: 'layout', message: error.message }
  throw error
}
