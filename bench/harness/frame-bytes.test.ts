import assert from 'node:assert/strict'
import { test } from 'node:test'
import { frameBytes } from './frame-bytes.ts'

const METRICS = `# HELP bytes_in_total Bytes of frames received, headers included.
bytes_in_total{service="federation",operation="share_pull"} 100
bytes_in_total{service="federation",operation="share_state"} 20
bytes_in_total{service="mailbox",operation="share_pull"} 7
bytes_out_total{service="federation",operation="share_pull"} 3000
requests_total{service="federation",operation="share_pull",status="0"} 9
`

test('adds what came in and went out for the operations that are asked about', () => {
  assert.equal(frameBytes(METRICS, 'federation', ['share_pull']), 3100)
  assert.equal(frameBytes(METRICS, 'federation', ['share_pull', 'share_state']), 3120)
  assert.equal(frameBytes(METRICS, 'federation', ['probe']), 0)
})
