import { createNode, loadConfig } from 'omnigate'
import { echoService } from 'omnigate/protocols'
import { answerParent } from '../harness/answering.ts'
import { devSources, tcpAddress } from './dev-config.ts'
import { tokenText } from './token.ts'

// A whole node with its guards. With `open` nothing is refused for there being too much of it, and its event loop never
// seems late to it.

const UNBOUNDED = 1_000_000_000
const HOUR_MS = 3_600_000
const { file, flags } = devSources()
const open = {
  'limits.maxCalls': UNBOUNDED,
  'limits.maxDelayMs': HOUR_MS,
  'limits.maxInflight': 65_536,
  'quotas.peerCallsPerSecond': UNBOUNDED
}

const isOpen = process.argv[2] === 'open'
const { config } = loadConfig({ file, flags: { ...flags, ...(isOpen && open) } })
const neverLate = { tick: () => undefined, take: () => 0 }
const node = createNode(config, { overrides: isOpen ? { loopDelay: neverLate } : {} })
await node.start()

answerParent(
  {
    /** The address and the token of its callers. */
    address: async () =>
      `${tcpAddress(node.status().addresses)} ${await tokenText(node, [echoService.operations.work.verb])}`
  },
  () => node.stop()
)
