import assert from 'node:assert/strict'
import test from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { addressOf, hubClient, relayTo, runningNode } from './hub.fixture.ts'

const TOPIC = 'bulk'
const BODY = new Uint8Array(900_000).fill(7)
const AT_ONCE = 64
const DEADLINE_MS = 300_000

test('sends wait while the node does not read, cost no memory meanwhile, and go on once it does', async t => {
  const node = await runningNode(t)
  const relay = await relayTo(t, addressOf(node))
  const hub = await hubClient(t, { url: relay.address, deadlineMs: DEADLINE_MS })
  await hub.mailbox.send(TOPIC, 'before')
  relay.hold()
  const before = heldBytes()
  let answered = 0

  const sends = Array.from({ length: AT_ONCE }, async (_, n) => {
    await hub.mailbox.send(TOPIC, BODY, { idemKey: `k${n}` })
    answered++
  })
  const sent = Promise.allSettled(sends)
  await settled(heldBytes)
  const during = heldBytes() - before
  const answeredDuring = answered
  relay.release()
  const outcomes = await sent

  assert.equal(answeredDuring, 0)
  assert.ok(during < 8_000_000, `${during} bytes for sends of ${AT_ONCE * BODY.length}`)
  assert.ok(outcomes.every(({ status }) => status === 'fulfilled'))
  assert.equal((await hub.mailbox.stats(TOPIC)).depth, AT_ONCE + 1)
  assert.equal(relay.dials(), 1)
})

test('large sends and large answers of one connection do not wait for each other for good', async t => {
  const node = await runningNode(t)
  const hub = await hubClient(t, { url: addressOf(node), deadlineMs: DEADLINE_MS })
  const numbers = Array.from({ length: AT_ONCE }, (_, n) => n)
  const send = (topic: string) => Promise.all(numbers.map(() => hub.mailbox.send(topic, BODY)))
  await send('there')

  const receiving = Promise.all(numbers.map(() => hub.mailbox.recv('there', { max: 1 })))
  const [sent, received] = await Promise.all([send(TOPIC), receiving])

  assert.equal(sent.length, AT_ONCE)
  assert.deepEqual(
    received.map(deliveries => deliveries.map(({ body }) => body.length)),
    numbers.map(() => [BODY.length])
  )
})

/** Bytes of buffers that something still holds. */
function heldBytes(): number {
  setFlagsFromString('--expose-gc')
  ;(runInNewContext('gc') as () => void)()
  return process.memoryUsage().arrayBuffers
}

/** Resolves once a number has stayed the same over many turns. */
async function settled(read: () => number): Promise<void> {
  let last = read()
  for (let same = 0; same < 5;) {
    for (let turn = 0; turn < 200; turn++) await new Promise(resolve => setImmediate(resolve))
    const now = read()
    same = now === last ? same + 1 : 0
    last = now
  }
}
