import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OapError } from '../../../protocols/index.ts'
import { ThreadOutbox } from './thread-outbox.ts'
import type { ThreadSend } from './thread-outbox.ts'

const SHA = 'ab'.repeat(32)
const turn = async (): Promise<void> => await new Promise(resolve => void setImmediate(resolve))

/** An outbox over rows of threads by their place; reading ends when it likes, the last first. */
function outbox(threads: string[], refuse: (topic: string) => string | undefined) {
  const gone: string[] = []
  const [asked, failures, timers]: [string[], unknown[], (() => void)[]] = [[], [], []]
  const rows = threads.map((_, n) => ({ place: n + 1, key: `k${n + 1}`, trace: undefined }))
  const left = () => threads.map((_, n) => rows[n] ?? { place: n + 1, key: `k${n + 1}`, trace: undefined })
  const one = new ThreadOutbox({
    envelopes: () => ({
      leaving: async (after, limit) =>
        left()
          .filter(({ place, key }) => place > after && !gone.includes(key))
          .slice(0, limit),
      goingOut: () => ({ isWithdrawn: false, over: () => undefined }),
      async at(place) {
        for (let turns = 40 - (place % 40); turns > 0; turns--) await Promise.resolve()
        const thread = threads[place - 1]!
        const immutable = { id: `e${place}`, created_at: '2026-01-02T03:04:05.678Z', type: 'note', thread }
        return {
          immutable: { ...immutable, from: 'ann', to: 'bob', payload: {} },
          sha256: SHA,
          proofs: []
        } as never
      },
      stays: async ({ key }) => void gone.push(key),
      withdrawRest: async () => undefined
    }),
    async send({ topic, key }: ThreadSend) {
      asked.push(key)
      const reason = refuse(topic)
      if (reason !== undefined) throw new OapError(reason as 'not_ready')
      gone.push(key)
      return true
    },
    sent: () => undefined,
    failed: error => void failures.push(error),
    after: (_ms, run) => void timers.push(run)
  })
  const settled = async (): Promise<void> => {
    for (let turns = 0; turns < 20; turns++) await turn()
  }
  return { one, gone, asked, failures, timers, settled }
}

test('what goes has the order in which it was stored', async () => {
  const { one, gone, settled } = outbox(
    Array.from({ length: 40 }, () => 't_a'),
    () => undefined
  )
  one.kick()
  await settled()
  assert.deepEqual(
    gone,
    Array.from({ length: 40 }, (_, n) => `k${n + 1}`)
  )
})

test('a full share holds up no other thread, neither one behind it nor one that comes while it is full', async () => {
  const threads = [...Array.from({ length: 40 }, () => 't_full'), 't_a']
  let isFull = true
  const { one, gone, asked, failures, timers, settled } = outbox(threads, topic =>
    isFull && topic === 'ams/t_full' ? 'mailbox_full' : undefined
  )
  one.kick()
  await settled()
  assert.deepEqual([gone, asked.length, timers.length], [['k41'], 41, 1])

  threads.push('t_a', 't_full')
  for (let n = 0; n < 5; n++) one.kick()
  await settled()
  assert.deepEqual([gone, asked.length <= 41 + 2 + 5, failures.length], [['k41', 'k42'], true, 1])

  isFull = false
  timers[0]!()
  await settled()
  assert.equal(gone.length, 43)
})

test('where nothing can go, one that is accepted asks for nothing before the wait is over', async () => {
  let isReady = false
  const { one, gone, asked, failures, timers, settled } = outbox(
    Array.from({ length: 100 }, () => 't_a'),
    () => (isReady ? undefined : 'not_shared')
  )
  one.kick()
  await settled()
  for (let n = 0; n < 5; n++) one.kick()
  await settled()
  assert.deepEqual([asked.length, failures.length, timers.length], [32, 1, 1])

  isReady = true
  timers[0]!()
  await settled()
  assert.equal(gone.length, 100)
})
