import { existsSync } from 'node:fs'
import type { Config } from '../../node/index.ts'
import type { CommandBody } from '../command.ts'
import { CommandError } from '../command-error.ts'
import { dataConfig } from '../data-config.ts'
import { EXIT } from '../exit-codes.ts'
import { describeFailure } from '../failure.ts'
import { folderClient } from '../folder-client.ts'
import type { FolderClient } from '../folder-client.ts'
import { greeting } from '../greeting.ts'
import { letHeapGrow, letYoungHeapGrow } from '../heap-growth.ts'
import type { Invocation } from '../invocation.ts'
import { stopSignal } from '../stop-signals.ts'

const FIRST_TOKEN_S = 24 * 3600
/** What somebody tries for longer wants a token of its own. */
const FIRST_TOKEN_RENEWABLE_S = 30 * FIRST_TOKEN_S

export const start: CommandBody = {
  details:
    'Prints its addresses once it serves; the log goes to standard error. ' +
    'A signal lets calls under way finish for at most node.drainTimeoutMs and ends with 0; ' +
    'a second one, more than a second later, does not wait.',
  options: [
    { name: 'data', value: 'DIR', summary: 'data folder of the node', completes: 'folder' },
    {
      name: 'init',
      summary: 'make what is missing: the data folder, its keys, a first client with a token for a day'
    },
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
    const config = await dataConfig(data, {
      env: invocation.terminal.env,
      file: invocation.option('config'),
      flags: { 'node.listen': invocation.list('listen') }
    })
    const { createNode, dataFolderPaths } = await import('../../node/index.ts')
    const init = invocation.flag('init')
    const isNew = init && data !== undefined && !existsSync(dataFolderPaths(data).keys)
    await using node = createNode(config, { data, init, ephemeral: invocation.flag('ephemeral') })
    await node.start()
    letYoungHeapGrow()
    using _growth = letHeapGrow(() => Number(node.status()['connections']))
    const status = node.status()
    if (isNew) invocation.terminal.note(`omnigate: made ${String(status['data'])} with new keys`)
    const client = await clientOf(invocation, { config, data, address: status.addresses[0] ?? '' })
    invocation.show({ ...status, client: client === undefined ? null : clientJson(client) }, () =>
      greeting({ status, config, data, client }, invocation.terminal)
    )
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

const clientJson = ({ peerId, env, expires }: FolderClient) => ({ peer_id: peerId, env, expires })

interface Served {
  readonly config: Config
  readonly data: string | undefined
  readonly address: string
}

/** A client to try the node with; a node that serves is not stopped for want of one. */
async function clientOf(
  invocation: Invocation,
  { config, data, address }: Served
): Promise<FolderClient | undefined> {
  if (data === undefined) return undefined
  const { connectAdmin } = await import('../../node/admin/admin-client.ts')
  const ttlS = Math.min(FIRST_TOKEN_S, Math.floor(config.capabilities.maxTtlMs / 1000))
  const nowS = Math.floor(Date.now() / 1000)
  try {
    await using admin = await connectAdmin(data)
    const mayMake = invocation.flag('init')
    const options = { address, ttlS, renewableS: FIRST_TOKEN_RENEWABLE_S, nowS, mayMake }
    return await folderClient(data, { ...options, operator: admin.capabilities })
  } catch (error) {
    for (const line of describeFailure(error).lines)
      invocation.terminal.note(`omnigate: no token for a first client: ${line}`)
    return undefined
  }
}
