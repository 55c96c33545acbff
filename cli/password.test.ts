import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { EXIT } from './exit-codes.ts'
import { Invocation } from './invocation.ts'
import { passwordSource } from './password.ts'
import type { Terminal } from './terminal.ts'

const NOBODY: Terminal = {
  result: () => undefined,
  note: () => undefined,
  progress: () => undefined,
  style: (_style, text) => text,
  env: { WORD: 'correct horse', EMPTY: '' }
}

test('a password comes from a file, less the end of its line', async t => {
  for (const text of ['correct horse', 'correct horse\n', 'correct horse\r\n']) {
    const ask = passwordSource(given({ 'password-file': file(t, text) }), '')
    assert.equal(await ask?.('?'), 'correct horse')
  }
})

test('or from the variable of the environment that was named', async () => {
  const ask = passwordSource(given({ 'new-password-env': 'WORD' }), 'new-')

  assert.equal(await ask?.('?'), 'correct horse')
  for (const name of ['EMPTY', 'ABSENT', 'correct horse']) {
    const wrong = passwordSource(given({ 'password-env': name }), '')
    await assert.rejects(
      async () => wrong?.('?'),
      (error: Error & { exitCode?: number }) => {
        assert.equal(error.exitCode, EXIT.usage)
        // Somebody may have typed the password itself.
        assert.ok(!error.message.includes(name))
        return true
      }
    )
  }
})

test('or from the person at the terminal, and from nobody else', async () => {
  const asked: string[] = []
  const terminal = { ...NOBODY, askSecret: async (question: string) => String(asked.push(question)) }

  assert.equal(await passwordSource(given({}, terminal), '')?.('Password: '), '1')
  assert.deepEqual(asked, ['Password: '])
  assert.equal(passwordSource(given({}), ''), undefined)
})

test('a file of more or less than one line, that others may read, or that is too long, is refused', async t => {
  const read = (path: string) => passwordSource(given({ 'password-file': path }), '')?.('?')
  for (const text of ['', '\n', 'a\nb\n', 'a\n\n'])
    await assert.rejects(async () => read(file(t, text)), { exitCode: EXIT.badInput })
  const open = file(t, 'correct horse')
  chmodSync(open, 0o640)

  await assert.rejects(async () => read(open), { exitCode: EXIT.permission })
  await assert.rejects(async () => read(file(t, 'a'.repeat(2000))), { exitCode: EXIT.badInput })
  await assert.rejects(async () => read('/nowhere/word'), { exitCode: EXIT.noInput })
})

test('both a file and a variable are one too many', () => {
  const both = given({ 'password-file': 'word', 'password-env': 'WORD' })

  assert.throws(() => passwordSource(both, ''), { exitCode: EXIT.usage })
})

const given = (options: Record<string, string>, terminal: Terminal = NOBODY): Invocation =>
  new Invocation(terminal, {}, options)

function file(t: TestContext, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'password-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'word')
  writeFileSync(path, text, { mode: 0o600 })
  return path
}
