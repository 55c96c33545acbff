export { restoreBackup } from './restore.ts'
export type { Restored } from './restore.ts'
export { writeBackup } from './write-backup.ts'
export type { Backup, BackupSources } from './write-backup.ts'
