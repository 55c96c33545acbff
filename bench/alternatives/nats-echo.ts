import { connect } from '@nats-io/transport-node'
import type { EchoOptions, EchoServer } from '../harness/echo-contender.ts'
import type { EchoClient } from '../harness/load.ts'
import { startBroker } from './nats-broker.ts'

const SUBJECT = 'bench.echo'

/** Request-reply through a broker without TLS: this process is the responder, the broker its helper. */
export async function listen({ program }: EchoOptions): Promise<EchoServer> {
  if (program === undefined) throw new Error('nats echo: no nats-server program given')
  const broker = await startBroker(program)
  const responder = await connect({ servers: broker.address })
  responder.subscribe(SUBJECT, { callback: (_error, message) => void message.respond(message.data) })
  await responder.flush()
  return {
    address: broker.address,
    helpers: [broker.pid],
    close: async () => {
      await responder.close()
      await broker.stop()
    }
  }
}

export async function dial(address: string, { messageBytes }: EchoOptions): Promise<EchoClient> {
  const client = await connect({ servers: address })
  const message = new Uint8Array(messageBytes).fill(7)
  return {
    request: answered =>
      void client.request(SUBJECT, message, { timeout: 10_000 }).then(
        () => answered(),
        (error: Error) => answered(error)
      ),
    close: () => client.close()
  }
}
