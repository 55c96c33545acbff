import { DATA_OPTION } from '../command.ts'
import type { CommandBody } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { facts, printable } from '../terminal.ts'
import { withDeadline } from '../deadline.ts'
import { bytesText } from '../quantity.ts'
import { appText } from '../registry-names.ts'
import type { Json, JsonObject } from '../../protocols/index.ts'
import type { Terminal } from '../terminal.ts'

const ANSWER_MS = 10_000
const WRITES: Readonly<Record<string, string>> = {
  open: 'over http need no token',
  token: 'over http need a token'
}

export const status: CommandBody = {
  details:
    'Asks through the local socket of the data folder, so only its owner can. ' +
    'The exit code is 0 when the node answers, ready or not; the text says which.',
  options: [DATA_OPTION],
  examples: [
    { line: 'omnigate status --data ./hub', says: 'addresses, readiness, what is open' },
    { line: 'omnigate status --data ./hub --json', says: 'all of it, for scripts' }
  ],
  exits: ['badInput', 'noInput', 'unreachable', 'newerFormat', 'permission'],
  async run(invocation) {
    const { connectAdmin } = await import('../../node/admin/admin-client.ts')
    const data = invocation.neededOption(DATA_OPTION)
    await using admin = await connectAdmin(data)
    const answer = await withDeadline(admin.status(), ANSWER_MS, `the node of ${data}`)
    invocation.show(answer, () => statusText(answer, invocation.terminal))
    return EXIT.ok
  }
}

function statusText(s: JsonObject, terminal: Terminal): string {
  const addresses = strings(s['addresses'])
  const missing = strings(s['missing'])
  const parts = Array.isArray(s['parts']) ? (s['parts'] as readonly JsonObject[]) : []
  return facts(
    [
      ['hub', word(s['hub_id'])],
      ['peer', word(s['peer_id'])],
      ['node', word(s['node'])],
      [
        'mirror of',
        s['mirror_of'] === undefined ? '' : `${word(s['mirror_of'])}, ${word(s['mirror_lag_s'])} s behind`
      ],
      ['version', word(s['version'])],
      ['pid', word(s['pid'])],
      ['boot', word(s['boot'])],
      ['up', `${word(s['uptime_s'])} s`],
      ...addresses.map(address => ['address', address] as const),
      ['http', word(s['http'])],
      ['writes', WRITES[word(s['http_writes'])] ?? ''],
      ['data', word(s['data'])],
      [
        'ready',
        s['ready'] === true
          ? terminal.style('green', 'yes')
          : terminal.style('red', `no: ${missing.join(', ')}`)
      ],
      ['degraded', strings(s['degraded']).join(', ')],
      ['sheds', s['shedding'] === 'nothing' ? '' : word(s['shedding'])],
      ['apps', numbers(s['apps']).map(appText).join(' ')],
      ['connections', `${word(s['connections'])}, ${word(s['strangers'])} of them strangers`],
      ['sessions', word(s['sessions'])],
      ['calls', word(s['calls'])],
      ['memory', bytesText(Number(s['memory_bytes']))],
      ...parts.map(part => ['part', partText(part)] as const)
    ],
    terminal
  )
}

const partText = ({ service, ready, restarts }: JsonObject): string =>
  `${word(service)}, ${ready === true ? 'ready' : 'not ready'}, restarted ${word(restarts)} times`

/** A value of the answer as one printable word; nothing for what is not there. */
const word = (value: Json | undefined): string => {
  if (value === undefined || value === null) return ''
  return printable(typeof value === 'string' ? value : JSON.stringify(value))
}

const strings = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : [])
const numbers = (value: unknown): number[] => (Array.isArray(value) ? value.map(Number) : [])
