import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p, type Libp2p } from 'libp2p'
import type { EchoOptions, EchoServer } from '../harness/echo-contender.ts'
import type { EchoClient } from '../harness/load.ts'
import { dialFrom, listenOn } from './stream-echo.ts'

/** The plain stream on the stack as its packages ship it: tcp, noise, yamux with no option set. */
export async function listen(options: EchoOptions): Promise<EchoServer> {
  return listenOn(await stock(['/ip4/127.0.0.1/tcp/0']), options)
}

export async function dial(address: string, options: EchoOptions): Promise<EchoClient> {
  return dialFrom(await stock([]), address, options)
}

function stock(listenAddresses: string[]): Promise<Libp2p> {
  return createLibp2p({
    addresses: { listen: listenAddresses },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()]
  })
}
