import type { Config, NodeStatus } from '../node/index.ts'
import type { FolderClient } from './folder-client.ts'
import { dateText } from './moment.ts'
import { selfCommand, shellWord } from './self.ts'
import { facts } from './terminal.ts'
import type { Terminal } from './terminal.ts'

export interface Greeted {
  readonly status: NodeStatus
  readonly config: Config
  readonly data: string | undefined
  readonly client: FolderClient | undefined
}

/** Who a node is, where it listens, and what to try in a second terminal. */
export function greeting({ status, config, data, client }: Greeted, terminal: Terminal): string {
  const tries = triesOf({ status, config, data, client })
  return facts(
    [
      ['hub', terminal.style('bold', status.hub_id)],
      ['peer', status.peer_id],
      ...status.addresses.map(address => ['address', terminal.style('cyan', address)] as const),
      ['http', status['http']],
      ['data', status['data'] ?? 'in memory; ends with this process'],
      ['token', client && `for echo, mailbox and blobs, good until ${dateText(client.expires)}`],
      ...tries.map((line, at) => [at === 0 ? 'try' : '', line] as const),
      ['stop', 'Ctrl-C']
    ],
    terminal
  )
}

function triesOf({ status, config, data, client }: Greeted): readonly string[] {
  const self = selfCommand()
  const [address = ''] = status.addresses
  const echo = `--text 'hello hub'`
  if (client !== undefined && data !== undefined)
    return [`. ${shellWord(`${inHere(data)}/client/env`)}`, `${self} hello`, `${self} echo ${echo}`]
  const { openVerbs } = config.capabilities
  const isOpen = openVerbs.includes('*') || openVerbs.includes('echo:call')
  const state = data === undefined ? [] : [`${self} status --data ${shellWord(data)}`]
  return [...state, `${self} hello ${address}`, ...(isOpen ? [`${self} echo ${address} ${echo}`] : [])]
}

/** A shell looks for a file without a slash in its PATH, and takes one with a dash in front for an option. */
const inHere = (data: string): string => {
  const path = data.replace(/(?<=.)\/+$/, '')
  return path.startsWith('-') ? `./${path}` : path
}
