import type { KeyObject } from 'node:crypto'
import type { ConformanceResult } from '../conformance/index.ts'
import type { NodeConnection } from '../../sdk/index.ts'
import type { CommandBody } from '../command.ts'
import { NODE_ARGUMENT } from '../command.ts'
import { CommandError } from '../command-error.ts'
import { EXIT } from '../exit-codes.ts'
import { givenHubKey } from '../hub-key.ts'
import type { Invocation } from '../invocation.ts'
import { passwordOptions } from '../password.ts'
import { withPeer } from '../peer.ts'
import { tokenOfEnvironment } from '../token-input.ts'

const ANSWER_MS = 10_000
const NO_TOKEN =
  'this node wants a capability for echo:call and none was given; put a bearer token for it into RON_CAP, or start the node with OMNIGATE_CAPABILITIES__OPEN_VERBS=echo:call'
const notTaken = (code: string): string =>
  `this node does not take the capability in RON_CAP (${code}); give a bearer token of this hub for echo:call, since each case calls as another peer`
const ENCRYPTIONS = ['noise', 'tls'] as const

export const conformance: CommandBody = {
  details:
    'Each case has a connection of its own; about 20 s in all. Run it against your own node only: it sends what a ' +
    'node must refuse. The calls carry the bearer token for echo:call that is in RON_CAP; ' +
    'without one the node must open that verb to all (capabilities.openVerbs). With --hub-key the runner links as a hub, ' +
    'which the node must allow (peer add); without it cases of links are left out. Cases that need a known caller are left out at a node that takes this machine for a stranger ' +
    '(strangers.loopbackIsKnown). Exit 1 when a case fails.',
  arguments: [NODE_ARGUMENT],
  options: [
    {
      name: 'slow',
      summary: 'also the cases that wait for a minute: about 70 s, with --hub-key about 100 s'
    },
    { name: 'only', value: 'TEXT', summary: 'only cases whose id contains this', completes: 'nothing' },
    {
      name: 'hub-key',
      value: 'FILE',
      summary: 'secret key of another hub that the node allows: the cases of links are played as that hub',
      completes: 'file'
    },
    {
      name: 'invite',
      value: 'CODE',
      summary: 'what peer invite printed at the node: one case pairs with it, and uses it up',
      completes: 'nothing'
    },
    ...passwordOptions('', 'the password of the hub key'),
    {
      name: 'federation',
      value: 'NAME',
      summary: "the node's federation (default: main)",
      completes: 'nothing'
    },
    { name: 'encryption', value: 'NAME', summary: 'noise (default) or tls', completes: 'nothing' }
  ],
  examples: [
    { line: 'omnigate conformance /ip4/127.0.0.1/tcp/4801/p2p/12D3Koo...', says: 'the table, and a tally' },
    { line: 'omnigate conformance --only hello --json', says: 'some cases, as one JSON object' }
  ],
  exits: ['failed', 'badInput', 'noInput', 'badAddress', 'unreachable', 'notOap', 'permission'],
  async run(invocation) {
    const address = invocation.neededArgument('MULTIADDR', NODE_ARGUMENT.env)
    const given = invocation.option('encryption')
    const encryption = ENCRYPTIONS.find(name => name === given)
    if (given !== undefined && encryption === undefined) {
      throw new CommandError(EXIT.usage, `--encryption ${given}: must be noise or tls`)
    }
    const { conformanceTable, inviteKey, runConformance, tally } = await import('../conformance/index.ts')
    // Says in one line why an address cannot be used at all, before any case does.
    const cap = (await tokenOfEnvironment(invocation.terminal))?.bytes
    await withPeer({ address, ...(cap && { cap }) }, takesCalls)
    const only = invocation.option('only')
    const results: ConformanceResult[] = []
    const federation = invocation.option('federation')
    const invite = invocation.option('invite')
    if (invite !== undefined && inviteKey(invite) === undefined)
      throw new CommandError(EXIT.usage, '--invite: not an invite; give what peer invite printed')
    const options = {
      slow: invocation.flag('slow'),
      cap,
      hubKey: await runnerHubKey(invocation),
      ...(only !== undefined && { only }),
      ...(invite !== undefined && { invite }),
      ...(federation !== undefined && { federation })
    }
    for await (const result of runConformance(address, { ...options, ...(encryption && { encryption }) })) {
      results.push(result)
      invocation.terminal.progress(`${results.length} cases played`)
    }
    invocation.terminal.progress('')
    if (results.length === 0)
      throw new CommandError(
        EXIT.usage,
        `--only ${only ?? ''}: no case has such an id; without --only all are played and listed`
      )
    const counts = tally(results)
    invocation.show({ ...counts, results }, () => conformanceTable(results))
    return counts.failed === 0 ? EXIT.ok : EXIT.failed
  }
}

/** @throws CommandError `usage`; SetupError */
async function runnerHubKey(invocation: Invocation): Promise<KeyObject | undefined> {
  const { file, password } = givenHubKey(invocation)
  if (file === undefined) return undefined
  const { openSecretKey } = await import('../../node/index.ts')
  const { secretKey } = await openSecretKey(file, password)
  return secretKey.key
}

/** @throws CommandError `failed` for a node that would refuse nearly every case for its capability or for want of one. */
async function takesCalls(node: NodeConnection): Promise<void> {
  const { echoService } = await import('../../protocols/index.ts')
  const code = await node
    .client(echoService)
    .echo({}, { deadlineMs: ANSWER_MS })
    .then(
      () => undefined,
      (error: unknown) => (error as { code?: unknown }).code
    )
  if (typeof code !== 'string' || !code.startsWith('cap_')) return
  throw new CommandError(EXIT.failed, code === 'cap_missing' ? NO_TOKEN : notTaken(code))
}
