import assert from 'node:assert/strict'
import test from 'node:test'
import { MailboxLedger, bodyOf, labelOf } from './mailbox-ledger.ts'

function ledgerWith(stored: number, remembered?: number): { ledger: MailboxLedger; labels: string[] } {
  const ledger = new MailboxLedger(remembered)
  const labels = Array.from({ length: stored }, () => ledger.next())
  for (const label of labels) ledger.stored(label)
  return { ledger, labels }
}

test('what came and was removed is owed no more', () => {
  const { ledger, labels } = ledgerWith(2)

  for (const label of labels) {
    ledger.delivered(label, 1)
    ledger.removed(label, 2)
  }
  ledger.settle()

  assert.deepEqual([ledger.owed, ledger.storedCount, ledger.violations], [0, 2, []])
})

test('an acknowledged message that never came is lost, also one that came and was not removed', () => {
  const { ledger, labels } = ledgerWith(3)
  ledger.removed(labels[1]!, 1)
  ledger.delivered(labels[2], 1)

  ledger.settle()

  assert.deepEqual(ledger.violations, [
    'm0 was acknowledged and never came',
    'm2 was acknowledged and never came'
  ])
})

test('a message whose sending has no answer, or whose removal has none, may be there or not', () => {
  const { ledger, labels } = ledgerWith(1)
  const unanswered = ledger.next()
  ledger.unsure(labels[0]!)

  ledger.delivered(unanswered, 1)
  ledger.delivered(labels[0], 2)
  ledger.settle()

  assert.deepEqual(ledger.violations, [])
})

test('a message that was received and removed before its sender had the answer is not owed', () => {
  const ledger = new MailboxLedger()
  const label = ledger.next()

  ledger.delivered(label, 0)
  ledger.removed(label, 1)
  ledger.stored(label)
  ledger.settle()

  assert.deepEqual(ledger.violations, [])
})

test('a message that comes again is told when it was asked for after its removal was confirmed', () => {
  const { ledger, labels } = ledgerWith(1)
  ledger.removed(labels[0]!, 5)

  ledger.delivered(labels[0], 4)
  ledger.delivered(labels[0])
  assert.deepEqual(ledger.violations, [])
  ledger.delivered(labels[0], 6)

  assert.deepEqual(ledger.violations, ['m0 came again after its acknowledgement was confirmed'])
})

test('remembers a bounded number of what is gone', () => {
  const { ledger, labels } = ledgerWith(3, 2)
  for (const label of labels) ledger.removed(label, 5)

  for (const label of labels) ledger.delivered(label, 6)

  assert.equal(ledger.violations.length, 2)
})

test('a body that nobody sent is told', () => {
  const { ledger } = ledgerWith(1)

  ledger.delivered(labelOf(Buffer.from('m0|something else')))
  ledger.delivered('m1', 1)

  assert.deepEqual(ledger.violations, [
    'a message came that nobody sent: another body',
    'a message came that nobody sent: m1'
  ])
})

test('a body says its label when it came whole', () => {
  const body = bodyOf('m1234')

  assert.equal(labelOf(Buffer.from(body)), 'm1234')
  assert.equal(labelOf(Buffer.from(body.slice(1))), undefined)
  assert.equal(labelOf(Buffer.from(body.slice(0, -1))), undefined)
})
