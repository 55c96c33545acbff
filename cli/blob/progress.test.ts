import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Terminal } from '../terminal.ts'
import { TransferProgress, transferText } from './progress.ts'

test('a transfer is shown as a bar where its length is known', () => {
  assert.equal(transferText(512, 1024), '############............ 50 % of 1.0 KiB')
  assert.equal(transferText(2048, 1024), '######################## 100 % of 1.0 KiB')
  assert.equal(transferText(512, undefined), '512 bytes')
  assert.equal(transferText(0, 0), '0 bytes')
})

test('it is shown five times a second at most, and cleared at its end', () => {
  const shown: string[] = []
  let nowMs = 0
  const terminal = { progress: (text: string) => shown.push(text) } as unknown as Terminal
  const progress = new TransferProgress(terminal, 100, () => nowMs)

  for (; nowMs < 1000; nowMs += 10) progress.add(1)
  progress.end()

  assert.equal(shown.length, 6)
  assert.match(shown[4]!, /81 % of 100 bytes/)
  assert.equal(shown[5], '')
})
