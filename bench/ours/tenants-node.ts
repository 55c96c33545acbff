import { createNode, loadConfig } from 'omnigate'
import { echoService, mailboxService } from 'omnigate/protocols'
import { countedCalls } from '../harness/call-counts.ts'
import { answerParent } from '../harness/answering.ts'
import { tcpAddress, tenantSources } from './dev-config.ts'
import { tokenText } from './token.ts'

// A whole node on a folder of its own, whose tenants have the quotas that tenants have by default.

export interface TenantsNode {
  readonly address: string
  /** Calls a second that one tenant may make to one app. */
  readonly quota: number
}

const [folder] = process.argv.slice(2) as [string]
const LOCAL = { actor: 'local' }
const { send, recv } = mailboxService.operations
const VERBS = [echoService.operations.echo.verb, send.verb, recv.verb]

const { config } = loadConfig(tenantSources())
const node = createNode(config, { data: folder, init: true })
await node.start()

answerParent(
  {
    serving: (): TenantsNode => ({
      address: tcpAddress(node.status().addresses),
      quota: config.quotas.tenantCallsPerSecond
    }),
    /** Adds tenants of these names, and yields a token of each. */
    tenants: async ({ names }: { names: readonly string[] }) => {
      const tokens: string[] = []
      for (const name of names) {
        await node.capabilities().addTenant({ name }, LOCAL)
        tokens.push(await tokenText(node, VERBS, name))
      }
      return tokens
    },
    counted: async () => countedCalls(await (await fetch(`${node.status().http}/metrics`)).text())
  },
  () => node.stop()
)
