import { generateKeyPair } from '@libp2p/crypto/keys'
import type { EchoOptions, EchoServer } from '../harness/echo-contender.ts'
import type { EchoClient } from '../harness/load.ts'
import { createDialer, createTransport } from '../../transport/index.ts'
import { dialFrom, listenOn } from './stream-echo.ts'

/** The plain stream on the stack that the product itself uses, so that only OAP is between the two. */
export async function listen(options: EchoOptions): Promise<EchoServer> {
  const privateKey = await generateKeyPair('Ed25519')
  return listenOn(await createTransport({ privateKey, listen: ['/ip4/127.0.0.1/tcp/0'] }), options)
}

export async function dial(address: string, options: EchoOptions): Promise<EchoClient> {
  return dialFrom(await createDialer({ encryption: ['noise'] }), address, options)
}
