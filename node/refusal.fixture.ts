import assert from 'node:assert/strict'
import { SetupError } from './setup-error.ts'

/** For `assert.rejects` and `assert.throws`: a refusal to start, with this exit code and a message of one line. */
export function refusal(exitCode: number, message: RegExp): (error: unknown) => true {
  return error => {
    assert.ok(error instanceof SetupError, String(error))
    assert.match(error.message, message)
    assert.equal(error.message.includes('\n'), false)
    assert.equal(error.exitCode, exitCode)
    return true
  }
}
