import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createNode, loadConfig } from 'omnigate'
import type { EchoServer } from '../harness/echo-contender.ts'
import { devSources, tcpAddress } from './dev-config.ts'

const NO_BOUND = 1_000_000_000

/** A whole node with all of its guards, its store on the disk. */
export async function listen(): Promise<EchoServer> {
  const folder = await mkdtemp(join(tmpdir(), 'omnigate-bench-'))
  const { file, flags } = devSources()
  const bounds = { 'mailbox.topicDepth': NO_BOUND, 'mailbox.tenantBytes': 2 ** 40 }
  const { config } = loadConfig({ file, flags: { ...flags, ...bounds } })
  const node = createNode(config, { data: join(folder, 'data'), init: true })
  await node.start()
  const asked = { verb: 'mailbox:send,mailbox:recv', tenant: 'default', bearer: true, rate: NO_BOUND }
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
