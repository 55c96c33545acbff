import { ConnectError, OapError, createClient } from 'omnigate/sdk'
import type { Delivery } from 'omnigate/sdk'

const TOPIC = 'jobs/resize'
const name = process.argv[2] ?? 'worker'

const stop = new AbortController()
process.once('SIGINT', () => stop.abort())

try {
  await using hub = await createClient()
  console.log(`${name} is ready`)
  // One at a time: what this worker has not taken on, another one gets.
  for await (const delivery of hub.mailbox.subscribe(TOPIC, { max: 1, signal: stop.signal })) {
    await work(delivery)
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
  const job = Number(delivery.json()['job'])
  const names = `corr_id=${delivery.corrId.toString(16).padStart(16, '0')} trace=${delivery.traceparent?.split('-')[1]}`
  if (job % 3 === 0 && delivery.attempt === 1) {
    await delivery.nack({ delayMs: 0, reason: 'the first time never works' })
    console.log(`${name} gave job ${job} back ${names}`)
    return
  }
  await new Promise(resolve => setTimeout(resolve, 5))
  await delivery.ack()
  console.log(`${name} did job ${job}, attempt ${delivery.attempt} ${names}`)
}
