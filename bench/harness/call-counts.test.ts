import assert from 'node:assert/strict'
import test from 'node:test'
import { OapError } from 'omnigate/sdk'
import { CallCounts, countedCalls, differences, together } from './call-counts.ts'

const METRICS = `# TYPE requests_total counter
requests_total{service="echo",operation="echo",status="0"} 2
requests_total{service="echo",operation="echo",status="429"} 1
requests_total{service="mailbox",operation="send",status="0"} 0
rejected_total{reason="quota_tenant"} 1
rejected_total{reason="saturated"} 0
latency_seconds_sum{service="echo",operation="echo"} 0.5
`

async function callsOf(statuses: readonly ('ok' | 'quota_tenant')[]): Promise<CallCounts> {
  const calls = new CallCounts()
  for (const status of statuses) {
    const call = status === 'ok' ? Promise.resolve(1) : Promise.reject(new OapError(status))
    await calls.noted('echo', 'echo', call).catch(() => undefined)
  }
  return calls
}

test('what callers saw is what the node counted', async () => {
  const [one, other] = [await callsOf(['ok', 'quota_tenant']), await callsOf(['ok'])]

  assert.deepEqual(differences(together([one.seen(), other.seen()]), countedCalls(METRICS)), [])
})

test('tells every name under which they differ', async () => {
  const calls = await callsOf(['quota_tenant', 'ok'])

  assert.deepEqual(differences(calls.seen(), countedCalls(METRICS)), [
    'echo echo 0: the callers saw 1, the node counted 2'
  ])
  assert.deepEqual(differences(calls.seen(), countedCalls('')).length, 3)
})

test('a call that was not answered is not counted as answered', async () => {
  const calls = new CallCounts()

  await assert.rejects(calls.noted('echo', 'echo', Promise.reject(new Error('gone'))), { message: 'gone' })

  assert.deepEqual(calls.seen(), { answers: {}, refusals: {} })
})
