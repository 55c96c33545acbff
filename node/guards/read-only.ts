import { OapError, adminService } from '../../protocols/index.ts'
import type { CallHead, Guard } from '../../protocols/index.ts'

/** The guard of a mirror: whatever writes is refused as `read_only`, whoever asks; `guard` judges the rest. */
export const readOnly =
  (guard: Guard): Guard =>
  head =>
    isWrite(head) ? new OapError('read_only') : guard(head)

/** The same for the operator's socket, whose own rows look after the node itself. */
export const readOnlyOperator: Guard = head =>
  head.call.app !== adminService.app && isWrite(head) ? new OapError('read_only') : undefined

const isWrite = ({ served }: CallHead): boolean => served.row.writes === true
