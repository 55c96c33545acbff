import { ConflictError, ConnectError, OapError, createClient } from 'omnigate/sdk'
import type { Delivery } from 'omnigate/sdk'

const TOPIC = 'jobs/resize'
const name = process.argv[2] ?? 'worker'

const stop = new AbortController()
process.on('SIGINT', () => stop.abort())

try {
  await using hub = await createClient()
  console.log(`${name} is ready`)
  // One at a time: what this worker has not taken on, another one gets.
  for await (const delivery of hub.mailbox.subscribe(TOPIC, { max: 1, signal: stop.signal })) {
    await work(delivery).catch(comesAgain)
  }
} catch (error) {
  if (!stop.signal.aborted) {
    if (!(error instanceof ConnectError) && !(error instanceof OapError)) throw error
    console.error(`${error.code}: ${error.message}`)
    process.exitCode = 1
  }
}

/** Every third job fails the first time: it is given back, and whoever gets it next does it. */
async function work(delivery: Delivery): Promise<void> {
  const job = jobOf(delivery)
  const trace = /^[0-9a-f]{2}-([0-9a-f]{32})-/.exec(delivery.traceparent ?? '')?.[1]
  const names = `corr_id=${delivery.corrId.toString(16).padStart(16, '0')} trace=${trace}`
  if (job === undefined) {
    // It will never be one: after its attempts it is a dead letter, for people to look at.
    await delivery.nack({ delayMs: 0, reason: 'not a job' })
    console.error(`${name} gave back what is no job, attempt ${delivery.attempt} ${names}`)
    return
  }
  if (job % 3 === 0 && delivery.attempt === 1) {
    await delivery.nack({ delayMs: 0, reason: 'the first time never works' })
    console.log(`${name} gave job ${job} back ${names}`)
    return
  }
  await new Promise(resolve => setTimeout(resolve, 5))
  await delivery.ack()
  console.log(`${name} did job ${job}, attempt ${delivery.attempt} ${names}`)
}

/** The number of a job; undefined for what is none: anyone with the right may send anything. */
function jobOf(delivery: Delivery): number | undefined {
  try {
    const { job } = delivery.json()
    return Number.isSafeInteger(job) ? (job as number) : undefined
  } catch {
    return undefined
  }
}

/** A job that was done too late for its lease goes to somebody again; the worker goes on. */
function comesAgain(error: unknown): void {
  if (!(error instanceof ConflictError)) throw error
  console.error(`${name} was too late: ${error.code}`)
}
