import { createNode, loadConfig } from 'omnigate'
import { mailboxService } from 'omnigate/protocols'
import { answerParent } from '../harness/answering.ts'
import { devSources, tcpAddress } from './dev-config.ts'
import { tokenText } from './token.ts'

// A whole node with its guards, and its HTTP surface, whose callers may ask for as much as those over OAP.

const { file, flags } = devSources()
const { config } = loadConfig({
  file,
  flags: { ...flags, 'http.enabled': true, 'gateway.rate_limits': false }
})
const node = createNode(config)
await node.start()

answerParent(
  {
    /** Address, URL and token of its callers. */
    address: async () =>
      [
        tcpAddress(node.status().addresses),
        node.status().http,
        await tokenText(node, [mailboxService.operations.stats.verb])
      ].join(' ')
  },
  () => node.stop()
)
