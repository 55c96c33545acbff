import { createNode, loadConfig } from 'omnigate'

// Starts a node in this process, prints its status as one JSON line, and stops it at SIGTERM as `omnigate start` does.
// Every argument is PATH=JSON, a value of the configuration.
const flags = Object.fromEntries(process.argv.slice(2).map(parseFlag))
const { config } = loadConfig({
  flags: { 'node.listen': ['/ip4/127.0.0.1/tcp/0'], 'http.enabled': false, ...flags }
})
const node = createNode(config)

await node.start()
process.once('SIGTERM', () => void node.stop())
process.stdout.write(`${JSON.stringify(node.status())}\n`)

function parseFlag(argument: string): [string, unknown] {
  const [path = '', ...value] = argument.split('=')
  return [path, JSON.parse(value.join('='))]
}
