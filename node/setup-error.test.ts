import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EXIT, SetupError, systemError } from './setup-error.ts'

test('gives every condition an exit code of its own', () => {
  const codes = Object.values(EXIT)

  assert.equal(new Set(codes).size, codes.length)
})

test('turns what the system says into one line about the subject', () => {
  const cause = Object.assign(new Error('EACCES: permission denied, open'), { code: 'EACCES' })

  const error = systemError('/data/node.key', cause)

  assert.ok(error instanceof SetupError)
  assert.equal(error.message, '/data/node.key: permission denied: run as the user who owns it')
  assert.equal(error.exitCode, EXIT.permission)
  assert.equal(error.cause, cause)
})

test('names the way out of each condition of the system that it knows', () => {
  for (const code of [
    'ENOENT',
    'ENOTDIR',
    'EISDIR',
    'EACCES',
    'EROFS',
    'EEXIST',
    'ENOSPC',
    'ELOOP',
    'EMFILE'
  ]) {
    const error = systemError('x', Object.assign(new Error(code), { code }))

    assert.match(String(error), /^SetupError: x: [^;:]+[;:] [^;]+$/)
  }
})

test('leaves errors alone that are its own or not the system’s', () => {
  const own = new SetupError('io', 'x')
  const fault = new TypeError('x is not a function')

  assert.equal(systemError('s', own), own)
  assert.equal(systemError('s', fault), fault)
})
