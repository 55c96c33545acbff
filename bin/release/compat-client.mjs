// What a program of this release's time does with its own packages: calls a node of any later release.
// It is kept with the release, so it may use the API of its day and nothing of the checkout.
import assert from 'node:assert/strict'
import { echoService } from 'omnigate/protocols'
import { connect } from 'omnigate/sdk'

const [address = ''] = process.argv.slice(2)
const hub = await connect(address)
const hello = await hub.hello()
assert.ok(hello.apps.includes(0x0001), 'echo is served')

const echo = hub.client(echoService)
const body = Buffer.from(Array.from({ length: 1000 }, (_, at) => at % 256))
assert.deepEqual(Buffer.from(await echo.echo({ body })), body, 'echo')
assert.deepEqual(await echo.work({ ms: 1 }), { ms: 1 }, 'work')

const { body: streamed } = await echo.stream({}, { body: [body, body, body] })
assert.deepEqual(await together(streamed), Buffer.concat([body, body, body]), 'a stream')

const ticks = []
for await (const tick of await echo.ticks({ count: 5 })) ticks.push(tick.n)
assert.equal(ticks.length, 5, 'events')

await assert.rejects(echo.work({ ms: 1000 }, { deadlineMs: 20 }), { code: 'deadline' })
await hub.close()
process.stdout.write(`${JSON.stringify({ server: hello.serverVersion })}\n`)

async function together(pieces) {
  const kept = []
  for await (const piece of pieces) kept.push(Buffer.from(piece))
  return Buffer.concat(kept)
}
