import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runLoad, type EchoClient } from './load.ts'

class CountingEcho implements EchoClient {
  open = 0
  mostOpen = 0
  total = 0
  request(answered: () => void): void {
    this.total++
    this.mostOpen = Math.max(this.mostOpen, ++this.open)
    setImmediate(() => {
      this.open--
      answered()
    })
  }
  close(): void {}
}

test('keeps exactly the asked number of requests open and waits for the last answer', async () => {
  const echo = new CountingEcho()

  const load = await runLoad(echo, { inFlight: 8, forMs: 5 })

  assert.equal(echo.mostOpen, 8)
  assert.equal(echo.open, 0)
  assert.equal(load.requests, echo.total)
})

test('a failed request fails the load', async () => {
  const broken: EchoClient = {
    request: answered => setImmediate(answered, new Error('stream reset')),
    close: () => {}
  }

  await assert.rejects(runLoad(broken, { inFlight: 4, forMs: 5 }), /stream reset/)
})
