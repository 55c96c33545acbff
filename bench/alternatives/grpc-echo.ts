import {
  credentials,
  makeGenericClientConstructor,
  Server,
  ServerCredentials,
  type MethodDefinition
} from '@grpc/grpc-js'
import type { EchoOptions, EchoServer } from '../harness/echo-contender.ts'
import type { EchoClient } from '../harness/load.ts'

const same = (bytes: Buffer) => bytes
const methods: Record<string, MethodDefinition> = {
  echo: {
    path: '/bench.Echo/echo',
    requestStream: false,
    responseStream: false,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same
  }
}

/** Unary calls without TLS and without protobuf: the cheapest gRPC there is. */
export async function listen(_options: EchoOptions): Promise<EchoServer> {
  const server = new Server()
  server.addService(methods, { echo: ({ request }, answer) => answer(null, request) })
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error)
    )
  )
  return { address: `127.0.0.1:${port}`, close: () => server.forceShutdown() }
}

export async function dial(address: string, { messageBytes }: EchoOptions): Promise<EchoClient> {
  const Echo = makeGenericClientConstructor(methods, 'Echo')
  const client = new Echo(address, credentials.createInsecure())
  await new Promise<void>((resolve, reject) =>
    client.waitForReady(Date.now() + 10_000, error => (error === undefined ? resolve() : reject(error)))
  )
  const message = Buffer.alloc(messageBytes, 7)
  return {
    request: answered => client.echo(message, error => (error === null ? answered() : answered(error))),
    close: () => client.close()
  }
}
