import { errorCode } from '../setup-error.ts'

const CODES: readonly unknown[] = ['ENOSPC', 'EDQUOT']
/** LevelDB has one code for all that the file system refuses, and says what it was in words. */
const LEVEL_CODE = 'LEVEL_IO_ERROR'
const WORDS = /no space left on device|disk quota exceeded/i
const DEEPEST = 8

/** Whether an error, or what caused it, is that the disk has no room. */
export function isDiskFull(error: unknown): boolean {
  let cause = error
  for (let depth = 0; depth < DEEPEST && cause instanceof Error; depth++) {
    const code = errorCode(cause)
    if (CODES.includes(code) || (code === LEVEL_CODE && WORDS.test(cause.message))) return true
    cause = cause.cause
  }
  return false
}
