import { isAbsolute, join } from 'node:path'
import { OapError } from '../../protocols/index.ts'
import type { Handlers, auditAdminOperations } from '../../protocols/index.ts'
import { exportProof } from '../audit/index.ts'
import { writeBackup } from '../backup/index.ts'
import type { BackupSources } from '../backup/index.ts'
import { SetupError } from '../setup-error.ts'

/** The operator's rows about the audit log and backups of the folder that `sources` gives, asked for each time. */
export const auditAdmin = (sources: () => BackupSources): Handlers<typeof auditAdminOperations> => ({
  audit_log: () => {
    const { origin, first, size } = sources().log
    return { origin, first, size }
  },

  audit_proof: async ({ from, to }) => {
    const { log, folder } = sources()
    const text = await exportProof(log, join(folder.folder, 'audit'), from, to)
    const { to: end } = JSON.parse(text) as { to: number }
    return { from, to: end, body: Buffer.from(text) }
  },

  backup: async ({ folder }, { signal }) => {
    if (!isAbsolute(folder)) throw new OapError('bad_request', 'folder: an absolute path')
    try {
      return await writeBackup(folder, sources(), { signal })
    } catch (error) {
      // For the operator, who cannot see the node's own error.
      if (!(error instanceof SetupError)) throw error
      throw new OapError('conflict', error.message, { code: `setup_${error.reason}`, cause: error })
    }
  }
})

/** For a node without a data folder, whose operator has no socket to ask through. */
export const noSources = (): never => {
  throw new OapError('not_found', 'this node has no data folder, so no audit log')
}
