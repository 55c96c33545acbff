import { ConnectError, OapError, createClient, newTraceparent } from 'omnigate/sdk'

const TOPIC = 'jobs/resize'
const count = Number(process.argv[2] ?? 10)

try {
  await using hub = await createClient()
  const traceparent = newTraceparent()
  const trace = traceparent.split('-')[1]
  for (let n = 1; n <= count; n++) {
    const { corrId } = await hub.mailbox.send(TOPIC, JSON.stringify({ job: n }), { traceparent })
    console.log(`sent job ${n} corr_id=${corrId.toString(16).padStart(16, '0')} trace=${trace}`)
  }
} catch (error) {
  if (!(error instanceof ConnectError) && !(error instanceof OapError)) throw error
  console.error(`${error.code}: ${error.message}`)
  process.exitCode = 1
}
