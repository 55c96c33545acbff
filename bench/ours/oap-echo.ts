import { createNode, loadConfig } from 'omnigate'
import type { OmnigateNode } from 'omnigate'
import { echoService, type Service } from 'omnigate/protocols'
import { connect } from 'omnigate/sdk'
import { afterSomeTurns } from '../baselines/turns.ts'
import type { EchoOptions, EchoServer } from '../harness/echo-contender.ts'
import type { EchoClient } from '../harness/load.ts'
import { devSources, tcpAddress } from './dev-config.ts'
import { turnsService } from './turns-service.ts'

const turns: Service<(typeof turnsService)['operations']> = {
  table: turnsService,
  handlers: {
    echo: ({ body = new Uint8Array(0) }) => new Promise(resolve => afterSomeTurns(() => resolve(body)))
  }
}

/** Three caveats, as a client's token has: the verbs, the time, and the rate in the place of its peer. */
async function tokenText(node: OmnigateNode): Promise<string> {
  const verb = [echoService.operations.echo.verb, turnsService.operations.echo.verb].join(',')
  const asked = { verb, tenant: 'default', bearer: true, rate: 1_000_000_000 }
  const { token } = await node.capabilities().mint(asked, { actor: 'local' })
  return Buffer.from(token).toString('base64url')
}

/** A whole node with all of its guards, called through the SDK on one session over noise. */
export async function listen({ jitter }: EchoOptions): Promise<EchoServer> {
  const node = createNode(loadConfig(devSources()).config, { services: jitter ? [turns] : [] })
  await node.start()
  const address = `${tcpAddress(node.status().addresses)} ${await tokenText(node)}`
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
