/**
 * What is wrong with a log. `edit`, `insert`, `delete`, `reorder`: a line, by its own words. `torn`: the file ends within
 * a line that no checkpoint covers. `truncation`: the log ends before what a checkpoint covers. `fork`: a whole history,
 * but another one than a checkpoint covers. `checkpoint`, `tile`, `seal`, `key`: that file. `layout`: something that is
 * no part of a log.
 */
export type AuditFault =
  | 'edit'
  | 'insert'
  | 'delete'
  | 'reorder'
  | 'torn'
  | 'truncation'
  | 'fork'
  | 'checkpoint'
  | 'tile'
  | 'seal'
  | 'key'
  | 'layout'

export interface AuditProblem {
  readonly fault: AuditFault
  /** The first entry that is wrong or not shown to be right; undefined when the fault lies in no entry. */
  readonly sequence?: number
  /** One line that names the file or entry. */
  readonly message: string
}

export interface AuditVerdict {
  readonly ok: boolean
  readonly origin?: string
  /** Entries that were read, from `first` on. */
  readonly first: number
  readonly entries: number
  /** How many entries the newest checkpoint covers; those behind it are checked by the chain alone. */
  readonly covered: number
  readonly problem?: AuditProblem
}

/** Ends a verification. */
export class Finding extends Error {
  override readonly name = 'Finding'
  readonly problem: AuditProblem

  constructor(fault: AuditFault, message: string, sequence?: number) {
    super(message)
    this.problem = { fault, message, ...(sequence !== undefined && { sequence }) }
  }
}
