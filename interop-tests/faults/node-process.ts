import { createNode, loadConfig } from 'omnigate'
import { readProcess, watchForStrays } from './process-reading.ts'

// A node in a process of its own, asked for readings by its parent and stopped by its parent's disconnect.
// The arguments are the configuration as JSON, keys as PATH, and the data folder, if any.

watchForStrays()
const { config } = loadConfig({ flags: JSON.parse(process.argv[2] ?? '{}') as Record<string, unknown> })
const data = process.argv[3]
const node = createNode(config, data === undefined ? {} : { data, init: true })
await node.start()

process.on('message', ({ id, collect }: { id: number; collect: boolean }) => void answer(id, collect))
process.once('disconnect', () => void node.stop())
process.once('SIGINT', () => {}) // Ctrl-C reaches the whole group; the parent stops the node.
process.send?.({ id: 0, reading: await reading(false) })

async function answer(id: number, collect: boolean): Promise<void> {
  process.send?.({ id, reading: await reading(collect) })
}

async function reading(collect: boolean): Promise<object> {
  const own = await readProcess({ collect })
  const { connections, sessions, calls, inbound_held_bytes, addresses, ready } = node.status()
  return { ...own, address: addresses[0], ready, open: { connections, sessions, calls, inbound_held_bytes } }
}
