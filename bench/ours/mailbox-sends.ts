import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createNode, loadConfig } from 'omnigate'
import { createClient } from 'omnigate/sdk'
import type { EchoOptions, EchoServer } from '../harness/echo-contender.ts'
import type { EchoClient } from '../harness/load.ts'
import { devSources, tcpAddress } from './dev-config.ts'

const SESSIONS = 2
const TOPIC = 'bench/sends'
const NO_BOUND = 1_000_000_000

/** A whole node with all of its guards, its store on the disk. */
export async function listen(): Promise<EchoServer> {
  const folder = await mkdtemp(join(tmpdir(), 'omnigate-bench-'))
  const { file, flags } = devSources()
  const bounds = { 'mailbox.topicDepth': NO_BOUND, 'mailbox.tenantBytes': 2 ** 40 }
  const { config } = loadConfig({ file, flags: { ...flags, ...bounds } })
  const node = createNode(config, { data: join(folder, 'data'), init: true })
  await node.start()
  const asked = { verb: 'mailbox:send', tenant: 'default', bearer: true, rate: NO_BOUND }
  const { token } = await node.capabilities().mint(asked, { actor: 'local' })
  const address = `${tcpAddress(node.status().addresses)} ${Buffer.from(token).toString('base64url')}`
  return {
    address,
    async close() {
      await node.stop()
      await rm(folder, { recursive: true })
    }
  }
}

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
