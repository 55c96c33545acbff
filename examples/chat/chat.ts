import { createInterface } from 'node:readline'
import { ConnectError, OapError, createClient, newTraceparent } from 'omnigate/sdk'
import type { Delivery, Hub } from 'omnigate/sdk'
import { secretIn } from './secret.ts'
import type { Secret } from './secret.ts'

const [me, other, keyFile] = process.argv.slice(2)

if (me === undefined || other === undefined || keyFile === undefined) {
  console.error('usage: node chat.ts ME OTHER KEY_FILE; RON_NODE_URL says which node')
  process.exit(64)
}

const stop = new AbortController()
process.once('SIGINT', () => stop.abort())

try {
  const secret = await secretIn(keyFile)
  await using hub = await createClient()
  console.log(`${me} is here; what you type goes to ${other}`)
  const lines = createInterface({ input: process.stdin })
  lines.on('line', line => void say(hub, secret, line).catch(failed))
  await listen(hub, secret)
} catch (error) {
  if (!stop.signal.aborted) failed(error)
}
process.exit()

/** Sends one line to the other's topic. What the node stores is sealed: it cannot read it. */
async function say(hub: Hub, secret: Secret, line: string): Promise<void> {
  const traceparent = newTraceparent()
  const { corrId } = await hub.mailbox.send(`chat/${other}`, await secret.seal(line), {
    e2e: true,
    attrs: { from: me! },
    traceparent
  })
  console.log(`  sent     ${named(corrId, traceparent)}`)
}

/** Prints what comes on the own topic; only what was printed is acknowledged. */
async function listen(hub: Hub, secret: Secret): Promise<void> {
  for await (const delivery of hub.mailbox.subscribe(`chat/${me}`, { signal: stop.signal })) {
    console.log(`${delivery.attrs['from']}: ${await opened(secret, delivery)}`)
    console.log(`  received ${named(delivery.corrId, delivery.traceparent)}`)
    await delivery.ack()
  }
}

function opened(secret: Secret, { body }: Delivery): Promise<string> {
  return secret.open(body).catch(() => '(sealed with another key)')
}

/** What finds the call in the node's log, and the message's way from one program to the other. */
function named(corrId: bigint, traceparent = '--'): string {
  return `corr_id=${corrId.toString(16).padStart(16, '0')} trace=${traceparent.split('-')[1]}`
}

function failed(error: unknown): void {
  if (error instanceof ConnectError) console.error(error.message)
  else if (error instanceof OapError)
    console.error(`${error.code}: ${error.message}, ${named(error.corrId ?? 0n)}`)
  else console.error(error instanceof Error ? error.message : error)
  process.exit(1)
}
