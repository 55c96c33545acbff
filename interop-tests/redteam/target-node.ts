import { setFlagsFromString } from 'node:v8'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { createNode, loadConfig } from 'omnigate'
import { bulk, pushedBytes } from './bulk-service.ts'
import { KNOWN_NETWORK } from './target-messages.ts'
import type { Ask } from './target-messages.ts'
import type { Connection } from '@libp2p/interface'

// The node under attack: configured by PATH=JSON arguments, it answers its parent over IPC and stops when that leaves. What it
// stores is in memory, or in the folder that `data` names.
const { data, ...flags } = Object.fromEntries(process.argv.slice(2).map(parseFlag))
const { config } = loadConfig({
  flags: {
    'node.listen': ['/ip4/127.0.0.1/tcp/0'],
    'log.level': 'warn',
    'capabilities.openVerbs': ['*'],
    ...flags
  }
})
// Callers from here are known, as a hub with a treaty would be; all others are strangers.
const isKnown = ({ remoteAddr }: Connection): boolean =>
  remoteAddr.toString().startsWith(`/ip4/${KNOWN_NETWORK}`)
const node = createNode(config, {
  services: [bulk],
  overrides: { isKnown },
  ...(typeof data === 'string' && { data, init: true })
})

await node.start()
// As `omnigate start` lets the heap grow, by the numbers of cli/heap-growth.ts.
const letHeapGrow = (): void => {
  const percent = Number(node.status()['connections']) < 256 ? 40 : 300
  setFlagsFromString(`--heap-growing-percent=${percent}`)
}
letHeapGrow()
setInterval(letHeapGrow, 1000).unref()
process.on('message', (ask: Ask) => void answer(ask))
process.once('disconnect', () => void node.stop())
process.send!({ ready: node.status() })

const delay = monitorEventLoopDelay({ resolution: 1 })
delay.enable()

const ASKED: Record<Ask['what'], () => unknown> = {
  status: () => node.status(),
  // The last resort also gives empty pages back to the system, which V8 else keeps for later.
  settle: async () => {
    for (let i = 0; i < 2; i++) {
      globalThis.gc!({ type: 'major', execution: 'sync', flavor: 'last-resort' })
      await sleep(30)
    }
    return process.memoryUsage()
  },
  pushed: () => pushedBytes(),
  /** How long a turn of the event loop lasted at most since the last question, and at the 99th percentile. */
  delay: () => {
    const seen = { p99Ms: delay.percentile(99) / 1e6, mostMs: delay.max / 1e6 }
    delay.reset()
    return seen
  }
}

async function answer({ id, what }: Ask): Promise<void> {
  process.send!({ id, value: await ASKED[what]() })
}

function parseFlag(argument: string): [string, unknown] {
  const at = argument.indexOf('=')
  return [argument.slice(0, at), JSON.parse(argument.slice(at + 1))]
}
