import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import test from 'node:test'
import { runPage } from './run-page.ts'

const page = (command: string): string => `\`\`\`console\n$ ${command}\n\`\`\`\n`

test('a command is ended in time with what it left in the background', async () => {
  const hangs = page('sleep 1000 & sleep 1000')

  await assert.rejects(runPage(hangs, { cache: tmpdir(), stepMs: 200 }), /sleep 1000\nended by SIGKILL/)
})
