import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runningNode } from '../running-node.fixture.ts'
import { systemClock } from '../supervision.ts'

const NOTICE_MS = 54_321

test('a node that stops says so at /readyz for as long as it is told to, though nothing is under way', async t => {
  const asked = Promise.withResolvers<void>()
  const over = Promise.withResolvers<void>()
  const clock = {
    now: () => systemClock.now(),
    sleep(ms: number, signal: AbortSignal) {
      if (ms !== NOTICE_MS) return systemClock.sleep(ms, signal)
      asked.resolve()
      return over.promise
    }
  }
  const node = await runningNode(t, {
    flags: { 'http.enabled': true, 'http.listen': '127.0.0.1:0', 'http.drainNoticeMs': NOTICE_MS },
    options: { overrides: { clock } }
  })
  const url = String(node.status().http)
  const ready = async (): Promise<readonly unknown[]> => {
    const answer = await fetch(`${url}/readyz`, { headers: { connection: 'close' } })
    const { missing } = (await answer.json()) as { readonly missing: readonly string[] }
    return [answer.status, missing]
  }
  assert.deepEqual(await ready(), [200, []])

  const stopped = node.stop()
  await asked.promise
  const draining = [await ready(), await ready()]
  const post = await fetch(`${url}/ams/v1/envelopes`, { method: 'POST', body: '{}' })
  const { error } = (await post.json()) as { readonly error: string }
  over.resolve()
  await stopped

  assert.deepEqual(draining, [
    [503, ['draining']],
    [503, ['draining']]
  ])
  assert.deepEqual([post.status, error], [503, 'draining'])
  await assert.rejects(ready())
})
