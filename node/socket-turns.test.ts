import assert from 'node:assert/strict'
import { Socket } from 'node:net'
import test from 'node:test'
import { inTurn } from './socket-turns.ts'

test('jobs of a socket run one after the other, also behind one that fails; those of another need not wait', async () => {
  const [one, other] = [new Socket(), new Socket()]
  const gate = Promise.withResolvers<void>()
  const ran: string[] = []
  const job = (name: string, until?: Promise<void>) => async () => {
    ran.push(name)
    await until
  }

  const all = [
    inTurn(one, job('first', gate.promise)),
    inTurn(one, job('second')),
    inTurn(other, job('of another'))
  ]
  await all[2]
  assert.deepEqual(ran, ['first', 'of another'])
  gate.reject(new Error('failed'))
  await assert.rejects(all[0]!, /failed/)
  await all[1]

  assert.deepEqual(ran, ['first', 'of another', 'second'])
})
