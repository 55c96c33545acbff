import { createClient } from 'omnigate/sdk'
import type { EchoOptions } from '../harness/echo-contender.ts'
import type { EchoClient } from '../harness/load.ts'

export { listen } from './mailbox-node.ts'

const MESSAGES = 64
const TOPIC = 'bench/receives'
const STOCK = 256
const AT_ONCE = 1024

/** A request is one `recv` of 64 messages and their acknowledgement; when none is left, many are sent first. */
export async function dial(address: string, { messageBytes }: EchoOptions): Promise<EchoClient> {
  const [url = '', cap] = address.split(' ')
  const hub = await createClient({ url, cap })
  const body = new Uint8Array(messageBytes).map((_, i) => (i * 7919) ^ (i >> 3))
  const messages = Array.from({ length: AT_ONCE }, () => ({ body }))
  const fill = async (): Promise<void> => {
    for (let sent = 0; sent < STOCK * MESSAGES; sent += AT_ONCE) await hub.mailbox.sendBatch(TOPIC, messages)
  }
  const receive = async (): Promise<void> => {
    const brought = await hub.mailbox.recv(TOPIC, { max: MESSAGES, maxBytes: MESSAGES * 1024 })
    if (brought.length === 0) {
      await fill()
      return receive()
    }
    if (brought.length < MESSAGES) throw new Error(`${brought.length} messages instead of ${MESSAGES}`)
    await Promise.all(brought.map(delivery => delivery.ack()))
  }
  await fill()
  return {
    request: answered =>
      void receive().then(
        () => answered(),
        (error: Error) => answered(error)
      ),
    close: () => hub.close()
  }
}
