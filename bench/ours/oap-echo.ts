import { createNode, loadConfig } from 'omnigate'
import { echoService, type Service } from 'omnigate/protocols'
import { connect } from 'omnigate/sdk'
import { afterSomeTurns } from '../baselines/turns.ts'
import type { EchoOptions, EchoServer } from '../harness/echo-contender.ts'
import type { EchoClient } from '../harness/load.ts'
import { devSources, tcpAddress } from './dev-config.ts'
import { tokenText } from './token.ts'
import { turnsService } from './turns-service.ts'

const turns: Service<(typeof turnsService)['operations']> = {
  table: turnsService,
  handlers: {
    echo: ({ body = new Uint8Array(0) }) => new Promise(resolve => afterSomeTurns(() => resolve(body)))
  }
}

const VERBS = [echoService.operations.echo.verb, turnsService.operations.echo.verb]

/** A whole node with all of its guards, called through the SDK on one session over noise. */
export async function listen({ jitter }: EchoOptions): Promise<EchoServer> {
  const node = createNode(loadConfig(devSources()).config, { services: jitter ? [turns] : [] })
  await node.start()
  const address = `${tcpAddress(node.status().addresses)} ${await tokenText(node, VERBS)}`
  return { address, close: () => node.stop() }
}

export async function dial(address: string, { messageBytes, jitter }: EchoOptions): Promise<EchoClient> {
  const [multiaddr = '', cap] = address.split(' ')
  const connection = await connect(multiaddr, { encryption: ['noise'], cap })
  const { echo } = connection.client(jitter ? turnsService : echoService)
  const body = new Uint8Array(messageBytes).fill(7)
  return {
    request: answered =>
      void echo({ body }).then(
        answer => (answer.length === messageBytes ? answered() : answered(new Error('ours: a short answer'))),
        (error: Error) => answered(error)
      ),
    close: () => connection.close()
  }
}
