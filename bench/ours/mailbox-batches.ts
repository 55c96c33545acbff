import { createClient } from 'omnigate/sdk'
import type { EchoOptions } from '../harness/echo-contender.ts'
import type { EchoClient } from '../harness/load.ts'

export { listen } from './mailbox-node.ts'

const MESSAGES = 64

/** A request is one `send_batch` of 64 messages. */
export async function dial(address: string, { messageBytes }: EchoOptions): Promise<EchoClient> {
  const [url = '', cap] = address.split(' ')
  const hub = await createClient({ url, cap })
  const body = new Uint8Array(messageBytes).map((_, i) => (i * 7919) ^ (i >> 3))
  const messages = Array.from({ length: MESSAGES }, () => ({ body }))
  return {
    request: answered =>
      void hub.mailbox.sendBatch('bench/batches', messages).then(
        () => answered(),
        (error: Error) => answered(error)
      ),
    close: () => hub.close()
  }
}
