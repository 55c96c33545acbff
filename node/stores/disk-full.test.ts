import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDiskFull } from './disk-full.ts'

const coded = (code: string, message: string): Error => Object.assign(new Error(message), { code })
const level = (words: string): Error => coded('LEVEL_IO_ERROR', `IO error: store/000005.log: ${words}`)

for (const [what, error, isFull] of [
  ['of the file system', coded('ENOSPC', 'write'), true],
  ['of a quota', coded('EDQUOT', 'write'), true],
  ['of LevelDB', level('No space left on device'), true],
  ['of LevelDB about a quota', level('Disk quota exceeded'), true],
  [
    'that is the cause of another',
    new Error('an earlier write failed', { cause: level('No space left on device') }),
    true
  ],
  ['of a device that fails', level('Input/output error'), false],
  ['that only speaks of it', new Error('No space left on device'), false],
  ['of no kind', 'No space left on device', false]
] as const)
  test(`${isFull ? 'knows' : 'does not take'} an error ${what} ${isFull ? 'as' : 'for'} that of a full disk`, () => {
    assert.equal(isDiskFull(error), isFull)
  })

test('an error that is its own cause is looked at no further than some steps', () => {
  const error: Error & { cause?: unknown } = new Error('round')
  error.cause = error

  assert.equal(isDiskFull(error), false)
})
