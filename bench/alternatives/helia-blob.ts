import { withBitswap } from '@helia/bitswap'
import { withLibp2pLight } from '@helia/libp2p'
import { unixfs } from '@helia/unixfs'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createHeliaLight } from 'helia'
import type { Helia } from 'helia'
import { CID } from 'multiformats/cid'
import { blobPieces } from '../harness/blob-contender.ts'
import type { BlobClient, BlobOptions } from '../harness/blob-contender.ts'
import type { EchoServer } from '../harness/echo-contender.ts'

/** Helia with bitswap and nothing that looks elsewhere; its blocks in memory, cut as it cuts them. */
async function helia(listen: readonly string[]): Promise<Helia> {
  const libp2p = {
    addresses: { listen },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify() }
  }
  return await withBitswap(withLibp2pLight(createHeliaLight(), libp2p)).start()
}

export async function listen({ bytes }: BlobOptions): Promise<EchoServer> {
  const node = await helia(['/ip4/127.0.0.1/tcp/0'])
  const cid = await unixfs(node).addByteStream(blobPieces(bytes))
  return { address: `${String(node.libp2p.getMultiaddrs()[0])} ${String(cid)}`, close: () => node.stop() }
}

/** A node without a block for each reading: one that has read the blob has it. */
export async function dial(address: string): Promise<BlobClient> {
  const [url = '', cid = ''] = address.split(' ')
  let node: Helia | undefined
  return {
    prepare: async () => {
      await node?.stop()
      node = await helia([])
      await node.libp2p.dial(multiaddr(url))
    },
    read: async () => {
      let came = 0
      for await (const piece of unixfs(node!).cat(CID.parse(cid))) came += piece.length
      return came
    },
    close: () => node?.stop()
  }
}
