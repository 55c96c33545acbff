import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EXIT as NODE_EXIT, ConfigError, loadConfig } from '../node/index.ts'
import { ConnectError, OapError } from '../sdk/index.ts'
import { CommandError } from './command-error.ts'
import { EXIT } from './exit-codes.ts'
import { describeFailure } from './failure.ts'

test('has the exit codes of the node, each of them', () => {
  assert.deepEqual({ ...EXIT }, { ...NODE_EXIT })
})

for (const [code, exitCode, message] of [
  ['LEVEL_CORRUPTION', EXIT.badInput, 'Corruption: block checksum mismatch'],
  ['LEVEL_IO_ERROR', EXIT.io, 'IO error: store/000005.ldb: Invalid argument']
] as const)
  test(`a store that a command finds unreadable is no fault of this program: ${code}`, () => {
    const failure = describeFailure(Object.assign(new Error(message), { code }))

    assert.equal(failure.exitCode, exitCode)
    assert.equal(failure.stack, undefined)
    assert.match(
      failure.lines.join('\n'),
      /^the store of the data folder cannot be read: [^\n]+damaged[^\n]+backup$/
    )
    assert.ok(failure.lines[0]!.includes(message))
  })

for (const [words, remedy] of [
  ['No space left on device', 'make room on its disk'],
  ['Disk quota exceeded', 'make room on its disk'],
  ['Too many open files', 'raise the limit of open files with: ulimit -n']
] as const)
  test(`what a store lacks is no damage, and nothing to restore a backup for: ${words}`, () => {
    const message = `IO error: store/000012.log: ${words}`

    const { exitCode, lines, stack } = describeFailure(
      Object.assign(new Error(message), { code: 'LEVEL_IO_ERROR' })
    )

    assert.deepEqual(lines, [`the store of the data folder cannot be used: ${message}; ${remedy}`])
    assert.deepEqual([exitCode, stack], [EXIT.io, undefined])
  })

test('tells each problem of a configuration in a line of its own', () => {
  let error: unknown
  try {
    loadConfig({ flags: { 'limits.maxInflight': 0, 'log.level': 'loud' } })
  } catch (thrown) {
    error = thrown
  }
  assert.ok(error instanceof ConfigError)

  const { exitCode, lines, stack } = describeFailure(error)

  assert.equal(exitCode, EXIT.config)
  assert.equal(lines.length, 2)
  assert.equal(stack, undefined)
})

for (const [code, exitCode] of [
  ['bad_address', EXIT.badAddress],
  ['unreachable', EXIT.unreachable],
  ['wrong_peer', EXIT.unreachable],
  ['not_oap', EXIT.notOap]
] as const) {
  test(`ends with ${exitCode} when no connection came about: ${code}`, () => {
    const failure = describeFailure(new ConnectError(code, '/ip4/127.0.0.1/tcp/1', 'why'))

    assert.equal(failure.exitCode, exitCode)
    assert.equal(failure.stack, undefined)
    assert.match(failure.lines.join('\n'), /^\/ip4\/127\.0\.0\.1\/tcp\/1: [^\n]+$/)
  })
}

test('tells the code and the corr_id of an error answer', () => {
  const { exitCode, lines } = describeFailure(new OapError('unknown_app', 'no such app', { corrId: 42n }))

  assert.equal(exitCode, EXIT.failed)
  assert.deepEqual(lines, ['the answer is 404 unknown_app: no such app, corr_id 000000000000002a'])
})

test('tells when an error answer allows another try', () => {
  const { lines } = describeFailure(new OapError('saturated', 'too much', { retryAfterMs: 1500 }))

  assert.deepEqual(lines, ['the answer is 503 saturated: too much; try again in 1.50 s'])
})

test('lets nothing that a peer wrote move the cursor or begin a line', () => {
  const { lines } = describeFailure(new OapError('internal', 'a\u001b[2J\nomnigate: all is well\u202e', {}))

  assert.equal(lines.length, 1)
  assert.doesNotMatch(lines[0] ?? '', /[\p{Cc}\p{Cf}]/u)
})

test('shows a stack for a fault of this program, and for nothing else', () => {
  assert.match(describeFailure(new TypeError('oops')).stack ?? '', /failure\.test\.ts/)
  assert.equal(describeFailure(new TypeError('oops')).exitCode, EXIT.bug)
  assert.equal(describeFailure(new CommandError(EXIT.usage, 'no')).stack, undefined)
})
