import { createClient } from 'omnigate/sdk'
import type { EchoOptions } from '../harness/echo-contender.ts'
import type { EchoClient } from '../harness/load.ts'

export { listen } from './mailbox-node.ts'

const SESSIONS = 2
const TOPIC = 'bench/sends'

/** The SDK on sessions over noise, each with its share of what is in flight; each send has an idempotency key of its own. */
export async function dial(address: string, { messageBytes }: EchoOptions): Promise<EchoClient> {
  const [url = '', cap] = address.split(' ')
  const hubs = await Promise.all(Array.from({ length: SESSIONS }, () => createClient({ url, cap })))
  const open = hubs.map(() => 0)
  const body = new Uint8Array(messageBytes).map((_, i) => (i * 7919) ^ (i >> 3))
  return {
    request(answered) {
      const least = open.indexOf(Math.min(...open))
      open[least]!++
      hubs[least]!.mailbox.send(TOPIC, body).then(
        () => {
          open[least]!--
          answered()
        },
        (error: Error) => {
          open[least]!--
          answered(error)
        }
      )
    },
    close: () => Promise.all(hubs.map(hub => hub.close()))
  }
}
