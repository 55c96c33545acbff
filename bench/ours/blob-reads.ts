import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { createNode, loadConfig } from 'omnigate'
import { createClient } from 'omnigate/sdk'
import { blobPieces } from '../harness/blob-contender.ts'
import type { BlobClient, BlobOptions } from '../harness/blob-contender.ts'
import type { EchoServer } from '../harness/echo-contender.ts'
import { devSources, tcpAddress } from './dev-config.ts'
import { tokenText } from './token.ts'

const FIRST_BYTES = 65_536

/** A whole node with all of its guards; the blob is on its disk, or what the system keeps of that in memory. */
export async function listen({ bytes, encryption }: BlobOptions): Promise<EchoServer> {
  const folder = await mkdtemp(join(tmpdir(), 'omnigate-bench-'))
  const { file, flags } = devSources()
  const { config } = loadConfig({ file, flags: { ...flags, 'transport.encryption': [encryption] } })
  const node = createNode(config, { data: join(folder, 'data'), init: true })
  await node.start()
  const close = async (): Promise<void> => {
    await node.stop()
    await rm(folder, { recursive: true })
  }
  const url = tcpAddress(node.status().addresses)
  await using putting = await createClient({ url, cap: await tokenText(node, ['storage:put']) })
  const { cid } = await putting.storage.put(blobPieces(bytes))
  return { address: `${url} ${await tokenText(node, ['storage:get'])} ${cid}`, close }
}

/** The SDK, which proves every piece before it hands it over. */
export async function dial(address: string, { bytes }: BlobOptions): Promise<BlobClient> {
  const [url, cap, cid = ''] = address.split(' ')
  const hub = await createClient({ url, cap })
  const length = Math.min(bytes, FIRST_BYTES)
  return {
    read: async () => {
      let came = 0
      for await (const piece of await hub.storage.get(cid)) came += piece.length
      return came
    },
    first: async () => {
      const since = performance.now()
      let firstMs: number | undefined
      for await (const _ of await hub.storage.get(cid, { range: { offset: 0, length } }))
        firstMs ??= performance.now() - since
      return firstMs!
    },
    close: () => hub.close()
  }
}
