import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEFAULT_LIMITS, auditService } from '../../protocols/index.ts'
import type { ByteStream, ConnectionState } from '../../protocols/index.ts'
import { innerCalls } from './inner-calls.ts'

test('each call shows the capability of its own moment, however long ago the request began', async () => {
  const streams: ByteStream[] = []
  const shown: string[] = []
  const host = {
    serve(stream: ByteStream) {
      streams.push(stream)
      stream.addEventListener('message', ({ data }) => {
        const text = Buffer.from(data.subarray()).toString('latin1')
        shown.push(...(text.match(/the-\w+-capability/g) ?? []))
        stream.abort(new Error('heard enough'))
      })
    }
  }
  let cap = 'the-first-capability'
  const connection = { limits: DEFAULT_LIMITS } as ConnectionState
  const checkpoint = innerCalls(host, connection, () => Buffer.from(cap))(auditService, 'checkpoint')

  await checkpoint({}).catch(() => undefined)
  cap = 'the-second-capability'
  await checkpoint({}).catch(() => undefined)

  assert.deepEqual([streams.length, shown], [2, ['the-first-capability', 'the-second-capability']])
})
