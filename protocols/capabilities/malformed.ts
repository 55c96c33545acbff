import { OapError } from '../errors.ts'

/** The refusal of bytes or text that are no token. */
export const malformed = (why: string): OapError =>
  new OapError('cap_foreign', `capability: ${why}`, { reason: 'malformed' })
