import { existsSync } from 'node:fs'
import type { Config, NodeStatus } from '../../node/index.ts'
import type { Command } from '../command.ts'
import { CommandError } from '../command-error.ts'
import { readConfigFile } from '../config-file.ts'
import { EXIT } from '../exit-codes.ts'
import type { Invocation } from '../invocation.ts'
import { selfCommand, shellWord } from '../self.ts'
import { stopSignal } from '../stop-signals.ts'
import { facts } from '../terminal.ts'
import type { Terminal } from '../terminal.ts'

export const start: Command = {
  name: 'start',
  summary: 'run a node until SIGINT (Ctrl-C) or SIGTERM',
  details:
    'Prints its addresses once it serves; the log goes to standard error. ' +
    'A signal lets calls under way finish for at most node.drainTimeoutMs and ends with 0; ' +
    'a second one, more than a second later, does not wait.',
  options: [
    { name: 'data', value: 'DIR', summary: 'data folder of the node', completes: 'folder' },
    { name: 'init', summary: 'make the data folder and its keys first when it has none' },
    {
      name: 'config',
      value: 'FILE',
      summary: 'configuration (default: omnigate.toml of the data folder, if there)',
      completes: 'file'
    },
    {
      name: 'listen',
      value: 'MULTIADDR',
      summary: 'listen there instead of node.listen; port 0 is any free one',
      isList: true,
      completes: 'nothing'
    },
    { name: 'ephemeral', summary: 'keep state in memory; without --data, keys too' }
  ],
  examples: [
    { line: 'omnigate start --data ./hub', says: 'the node of a folder that omnigate init made' },
    { line: 'omnigate start --data ./hub --init', says: 'the same, and makes the folder on the first run' },
    {
      line: 'omnigate start --ephemeral --listen /ip4/127.0.0.1/tcp/0',
      says: 'a node for a moment, on any free port, that leaves nothing behind'
    }
  ],
  exits: [
    'badInput',
    'noInput',
    'badAddress',
    'portInUse',
    'newerFormat',
    'io',
    'inUse',
    'permission',
    'config',
    'interrupted'
  ],
  async run(invocation) {
    const stopped = stopSignal(() => {
      invocation.terminal.note('omnigate: stopped without waiting for calls')
      process.exit(EXIT.interrupted)
    })
    const data = dataOf(invocation)
    const config = await effectiveConfig(invocation, data)
    const { createNode, dataFolderPaths } = await import('../../node/index.ts')
    const init = invocation.flag('init')
    const isNew = init && data !== undefined && !existsSync(dataFolderPaths(data).keys)
    await using node = createNode(config, { data, init, ephemeral: invocation.flag('ephemeral') })
    await node.start()
    const status = node.status()
    if (isNew) invocation.terminal.note(`omnigate: made ${String(status['data'])} with new keys`)
    invocation.show(status, () => greeting(status, data, invocation.terminal))
    const signal = await stopped
    if (!invocation.isJson) invocation.terminal.note(`omnigate: ${signal}: stopping`)
    await node.stop()
    return EXIT.ok
  }
}

function dataOf(invocation: Invocation): string | undefined {
  const data = invocation.option('data')
  if (data === undefined && !invocation.flag('ephemeral')) {
    throw new CommandError(EXIT.usage, 'start needs --data DIR, or --ephemeral for a node that keeps nothing')
  }
  if (data === undefined && invocation.flag('init')) {
    throw new CommandError(EXIT.usage, '--init goes with --data DIR')
  }
  return data
}

async function effectiveConfig(invocation: Invocation, data: string | undefined): Promise<Config> {
  const { dataFolderPaths, loadConfig } = await import('../../node/index.ts')
  const own = data === undefined ? undefined : dataFolderPaths(data).config
  const path = invocation.option('config') ?? (own !== undefined && existsSync(own) ? own : undefined)
  const file = path === undefined ? undefined : await readConfigFile(path)
  const flags = { 'node.listen': invocation.list('listen') }
  return loadConfig({ ...(file && { file }), env: invocation.terminal.env, flags }).config
}

function greeting(status: NodeStatus, data: string | undefined, terminal: Terminal): string {
  const [first = ''] = status.addresses
  const tries = [
    ...(data === undefined ? [] : [`status --data ${shellWord(data)}`]),
    `hello ${first}`,
    `echo ${first} --text 'hello hub'`
  ]
  const self = selfCommand()
  return facts(
    [
      ['hub', terminal.style('bold', status.hub_id)],
      ['peer', status.peer_id],
      ...status.addresses.map(address => ['address', terminal.style('cyan', address)] as const),
      ['http', status['http']],
      ['data', status['data'] ?? 'in memory; ends with this process'],
      ...tries.map((line, at) => [at === 0 ? 'try' : '', `${self} ${line}`] as const),
      ['stop', 'Ctrl-C']
    ],
    terminal
  )
}
