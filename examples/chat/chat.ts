import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import {
  BusyError,
  ConnectError,
  DeadlineError,
  LinkError,
  OapError,
  createClient,
  newTraceparent
} from 'omnigate/sdk'
import type { Delivery, Hub } from 'omnigate/sdk'
import { printable } from './printable.ts'
import { secretIn } from './secret.ts'
import type { Secret } from './secret.ts'

const TRY_AGAIN_MS = 1000

const [me, other, keyFile] = process.argv.slice(2)

if (me === undefined || other === undefined || keyFile === undefined) {
  console.error('usage: npx node chat.ts ME OTHER KEY_FILE; RON_NODE_URL says which node')
  process.exit(64)
}

const stop = new AbortController()
const { signal } = stop
process.on('SIGINT', () => stop.abort())

try {
  const secret = await secretIn(keyFile)
  await using hub = await createClient()
  console.log(`${me} is here; what you type goes to ${other}`)
  const talking = talk(hub, secret)
  await listen(hub, secret).catch(failed)
  stop.abort()
  await talking
} catch (error) {
  failed(error)
}
process.exit()

/** Sends what is typed, one line after the other: they arrive in their order. */
async function talk(hub: Hub, secret: Secret): Promise<void> {
  for await (const line of createInterface({ input: process.stdin, signal })) await say(hub, secret, line)
}

/**
 * Sends one line to the other's topic, for as long as it takes. What the node stores is sealed: it cannot read it. Under
 * one key it is stored once, however often it is sent.
 */
async function say(hub: Hub, secret: Secret, line: string): Promise<void> {
  const traceparent = newTraceparent()
  const body = await secret.seal(line)
  const options = { e2e: true, attrs: { from: me! }, idemKey: crypto.randomUUID(), traceparent, signal }
  for (let failures = 0; !signal.aborted; failures++) {
    try {
      const { corrId } = await hub.mailbox.send(`chat/${other}`, body, options)
      return console.log(`  sent     ${named(corrId, traceparent)}`)
    } catch (error) {
      if (signal.aborted) break
      if (!mayPass(error)) return notSent(line, explained(error))
      if (failures === 0) console.error(`  not sent yet: ${explained(error)}; trying on`)
      await pause(TRY_AGAIN_MS, undefined, { signal }).catch(() => undefined)
    }
  }
  notSent(line, 'you left')
}

function notSent(line: string, why: string): void {
  console.error(`  not sent: ${printable(line)}\n    ${why}`)
  process.exitCode = 1
}

function mayPass(error: unknown): boolean {
  if (error instanceof ConnectError) return error.code === 'unreachable'
  return error instanceof BusyError || error instanceof LinkError || error instanceof DeadlineError
}

/** Prints what comes on the own topic; only what was printed is acknowledged. */
async function listen(hub: Hub, secret: Secret): Promise<void> {
  for await (const delivery of hub.mailbox.subscribe(`chat/${me}`, { signal })) {
    console.log(`${printable(delivery.attrs['from'] ?? '?')}: ${printable(await opened(secret, delivery))}`)
    console.log(`  received ${named(delivery.corrId, delivery.traceparent)}`)
    await delivery.ack().catch(comesAgain)
  }
}

function opened(secret: Secret, { body }: Delivery): Promise<string> {
  return secret.open(body).catch(() => '(sealed with another key)')
}

/** A line that could not be acknowledged in time is delivered, and printed, once more. */
function comesAgain(error: unknown): void {
  if (!(error instanceof OapError)) throw error
  console.error(`  may come again: ${explained(error)}`)
}

/** What finds the call in the node's log, and the message's way from one program to the other. */
function named(corrId: bigint, traceparent = '--'): string {
  return `corr_id=${corrId.toString(16).padStart(16, '0')} trace=${printable(traceparent.split('-')[1] ?? '')}`
}

function explained(error: unknown): string {
  if (error instanceof ConnectError) return error.message
  if (error instanceof OapError)
    return `${error.code}: ${printable(error.message)}, ${named(error.corrId ?? 0n)}`
  return error instanceof Error ? error.message : String(error)
}

function failed(error: unknown): void {
  if (signal.aborted) return
  console.error(explained(error))
  process.exitCode = 1
}
