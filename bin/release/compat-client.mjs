// What a program of this release's time does with its own packages: calls a node of any later release.
// It is kept with the release, so it may use the API of its day and nothing of the checkout.
// The node opens echo to all; RON_CAP is a token for the mailbox and storage, bound to the key of OMNIGATE_CLIENT_KEY.
import assert from 'node:assert/strict'
import {
  attenuate,
  capabilitiesService,
  decodeToken,
  echoService,
  encodeToken,
  inspectToken,
  plainMacaroonCrypto,
  tokenBytes
} from 'omnigate/protocols'
import { connect, createClient } from 'omnigate/sdk'

const BLOB_CID = 'bafybeihcwftkthy4g4owvq3ahgu4d2bnttzpnrilrxlywfnlac5pnwo3lm'
const OTHER_CID = 'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku'

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

const token = tokenBytes((process.env.RON_CAP ?? '').trim())
const client = await createClient({ url: address })
await withCapability()
await withMailbox()
await withStorage()
await client.close()
process.stdout.write(`${JSON.stringify({ server: hello.serverVersion })}\n`)

/** It is renewed by its holder, narrowed offline, and asked for. */
async function withCapability() {
  const renewed = await client.client(capabilitiesService).renew({})
  assert.equal(inspectToken(renewed.body).capId, inspectToken(token).capId, 'a renewal')

  const { macaroon } = decodeToken(token)
  const caveat = { key: 'verb', value: ['mailbox:recv'] }
  const narrowed = attenuate(plainMacaroonCrypto(), macaroon, [caveat])
  const cap = encodeToken({ macaroon: narrowed, discharges: [] })
  const receiver = await createClient({ url: address, cap })
  assert.deepEqual(await receiver.mailbox.recv('compat/narrowed'), [], 'what a narrowed token allows')
  await assert.rejects(receiver.mailbox.send('compat/narrowed', 'x'), { code: 'cap_denied', reason: 'verb' })
  await receiver.close()

  const bare = await connect(address)
  await assert.rejects(bare.client(capabilitiesService).renew({}), { code: 'cap_missing' })
  await bare.close()
}

async function withMailbox() {
  const topic = 'compat/mailbox'
  const options = { idemKey: 'once', attrs: { kind: 'test' }, priority: 7 }
  const sent = await client.mailbox.send(topic, body, options)
  const again = await client.mailbox.send(topic, body, options)
  assert.deepEqual([again.msgId, sent.isDuplicate, again.isDuplicate], [sent.msgId, false, true], 'one key')

  const [delivery, ...more] = await client.mailbox.recv(topic)
  assert.equal(more.length, 0, 'one message')
  const { msgId, attrs, priority, attempt } = delivery
  assert.deepEqual(
    { msgId, attrs, priority, attempt },
    { msgId: sent.msgId, attrs: options.attrs, priority: 7, attempt: 1 }
  )
  assert.deepEqual(Buffer.from(delivery.body), body, 'a message')
  await delivery.ack()
  const { depth, in_flight } = await client.mailbox.stats(topic)
  assert.deepEqual([depth, in_flight], [0, 0], 'an acknowledgement')
}

async function withStorage() {
  const blob = Buffer.concat(Array.from({ length: 200 }, () => body))
  const { cid, length } = await client.storage.put(blob, { contentType: 'application/octet-stream' })
  // The profile omnigate-v1 gives these bytes this name in every release.
  assert.deepEqual([cid, length], [BLOB_CID, blob.length], 'a blob by its hash')

  assert.deepEqual(await together(await client.storage.get(cid)), blob, 'a blob')
  const range = { offset: 65_000, length: 1000 }
  assert.deepEqual(
    await together(await client.storage.get(cid, { range })),
    blob.subarray(65_000, 66_000),
    'a range'
  )
  assert.deepEqual(await client.storage.has([cid, OTHER_CID]), [true, false], 'has')
}

async function together(pieces) {
  const kept = []
  for await (const piece of pieces) kept.push(Buffer.from(piece))
  return Buffer.concat(kept)
}
