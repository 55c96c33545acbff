import { createClient } from 'omnigate/sdk'
import type { EchoOptions } from '../harness/echo-contender.ts'
import type { EchoClient } from '../harness/load.ts'

export { listen } from './mailbox-node.ts'

const SESSIONS = 2
const TOPIC = 'bench/sends'

/** The SDK on two sessions over noise, in turns; each send has an idempotency key of its own. */
export async function dial(address: string, { messageBytes }: EchoOptions): Promise<EchoClient> {
  const [url = '', cap] = address.split(' ')
  const hubs = await Promise.all(Array.from({ length: SESSIONS }, () => createClient({ url, cap })))
  const body = new Uint8Array(messageBytes).map((_, i) => (i * 7919) ^ (i >> 3))
  let turn = 0
  return {
    request: answered =>
      void hubs[turn++ % SESSIONS]!.mailbox.send(TOPIC, body).then(
        () => answered(),
        (error: Error) => answered(error)
      ),
    close: () => Promise.all(hubs.map(hub => hub.close()))
  }
}
