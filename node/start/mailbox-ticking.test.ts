import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { Level } from '../stores/level.ts'
import { ticking } from './mailbox-ticking.ts'

test('ticks on when a tick fails and the store works, and says so once', async t => {
  const { next, messages, missed, ended, stop, mailbox } = begun(t)

  mailbox.error = new Error('saturated')
  await next()
  await next()
  mailbox.error = undefined
  await next()
  mailbox.error = new Error('saturated again')
  await next()

  assert.equal(messages.failure, undefined)
  assert.deepEqual(missed, ['saturated', 'saturated again'])
  assert.equal(mailbox.ticks, 4)
  stop()
  await ended
})

test('ends when the store has failed, also when nobody ticks', async t => {
  const { next, messages, missed, ended, mailbox } = begun(t)

  messages.failure = new Error('no space left')
  mailbox.error = new Error('a tick over a failed store')
  await next()

  await assert.rejects(ended, { message: 'the mailbox store failed', cause: messages.failure })
  assert.deepEqual([missed, mailbox.ticks], [[], 0])
})

test('ends as soon as its store is closing, and over one that is closed already', async t => {
  const { level, ended } = begun(t)

  level.emit('closing')

  await assert.rejects(ended, /was closed/)
  await assert.rejects(begun(t, 'closing').ended, /was closed/)
})

test('ends at once when it is told to before it begins', async t => {
  const { ended, mailbox, next } = begun(t, 'open', AbortSignal.abort())

  await ended
  await next()

  assert.equal(mailbox.ticks, 0)
})

function begun(t: TestContext, status: Level['status'] = 'open', signal?: AbortSignal) {
  t.mock.timers.reset()
  t.mock.timers.enable({ apis: ['setInterval'] })
  const level = Object.assign(new EventEmitter(), { status })
  const messages: { failure: unknown } = { failure: undefined }
  const missed: string[] = []
  const mailbox = {
    ticks: 0,
    error: undefined as Error | undefined,
    async tick() {
      this.ticks++
      if (this.error !== undefined) throw this.error
    }
  }
  const abort = new AbortController()
  const ended = ticking(
    mailbox,
    {
      level: level as unknown as Pick<Level, 'status' | 'once'>,
      messages,
      missed: error => missed.push((error as Error).message)
    },
    signal ?? abort.signal
  )
  ended.catch(() => undefined)
  const next = async (): Promise<void> => {
    t.mock.timers.tick(100)
    await turn()
  }
  return { level, messages, missed, mailbox, ended, next, stop: () => abort.abort() }
}
