import { createClient } from 'omnigate/sdk'
import type { EchoOptions } from '../harness/echo-contender.ts'
import type { EchoClient } from '../harness/load.ts'

export { listen } from './mailbox-node.ts'

const MESSAGES = 64
const TOPIC = 'bench/receives'
/** Requests for which there are messages when a load begins: more than one has time for. */
const STOCK = 1536
const AT_ONCE = 1024

/** A request is one `recv` of 64 messages and their acknowledgement; they are sent before the clock starts. */
export async function dial(address: string, { messageBytes }: EchoOptions): Promise<EchoClient> {
  const [url = '', cap] = address.split(' ')
  const hub = await createClient({ url, cap })
  const body = new Uint8Array(messageBytes).map((_, i) => (i * 7919) ^ (i >> 3))
  const messages = Array.from({ length: AT_ONCE }, () => ({ body }))
  let stock = 0
  const fill = async (): Promise<void> => {
    for (; stock < STOCK * MESSAGES; stock += AT_ONCE) await hub.mailbox.sendBatch(TOPIC, messages)
  }
  const receive = async (): Promise<void> => {
    if (stock < MESSAGES) await fill()
    const brought = await hub.mailbox.recv(TOPIC, { max: MESSAGES, maxBytes: MESSAGES * 1024 })
    if (brought.length < MESSAGES) throw new Error(`${brought.length} messages instead of ${MESSAGES}`)
    stock -= MESSAGES
    await Promise.all(brought.map(delivery => delivery.ack()))
  }
  return {
    prepare: fill,
    request: answered =>
      void receive().then(
        () => answered(),
        (error: Error) => answered(error)
      ),
    close: () => hub.close()
  }
}
