import type { KeyRevocationStatement } from '../../node/index.ts'
import { CommandError } from '../command-error.ts'
import { DATA_OPTION } from '../command.ts'
import type { CommandBody } from '../command.ts'
import { withDeadline } from '../deadline.ts'
import { EXIT } from '../exit-codes.ts'
import { HUB_KEY_OPTIONS, KEY_EXITS, givenHubKey } from '../hub-key.ts'
import type { Invocation } from '../invocation.ts'
import { refusedRequest } from '../operator.ts'
import { facts } from '../terminal.ts'

const MAX_REASON_BYTES = 256
const ANSWER_MS = 20_000

export const keyRevoke: CommandBody = {
  details:
    'For a key that somebody may have copied; give the node another first, with key rotate. Peers that have heard of it ' +
    'refuse what they see of the key for the first time after that, and keep what they saw before. Nothing takes it back. ' +
    'A running node signs with the hub key that lies open in its folder, and tells linked hubs at once. Otherwise stop the ' +
    'node: the hub key may then come from --hub-key, with a password that is asked for, or comes from a file or from the ' +
    'environment, and peers hear of it when the node runs again.',
  options: [
    DATA_OPTION,
    { name: 'peer', value: 'PEER_ID', summary: 'the node key of this peer id', completes: 'nothing' },
    { name: 'key', value: 'HEX', summary: 'this public key', completes: 'nothing' },
    {
      name: 'reason',
      value: 'TEXT',
      summary: 'for the operators of peers; it is signed, and public',
      completes: 'nothing'
    },
    ...HUB_KEY_OPTIONS
  ],
  examples: [
    {
      line: 'omnigate key revoke --data ./hub --peer 12D3KooW... --reason stolen',
      says: 'the machine of that node was stolen'
    }
  ],
  exits: ['failed', ...KEY_EXITS],
  async run(invocation) {
    const data = invocation.neededOption(DATA_OPTION)
    const key = await keyGiven(invocation)
    const reason = reasonGiven(invocation)
    const { statement, peer } =
      (await revokeRunning(invocation, { data, key, reason })) ??
      (await revokeStopped(invocation, { data, key, reason }))
    const isOwn = invocation.option('peer') === peer
    invocation.show(statement, () =>
      facts(
        [
          ['revoked', key],
          ['next', isOwn ? 'it is the key of this node: give it another with key rotate' : '']
        ],
        invocation.terminal
      )
    )
    return EXIT.ok
  }
}

interface Revoking {
  readonly data: string
  readonly key: string
  readonly reason: string
}

interface Revoked {
  readonly statement: KeyRevocationStatement
  /** The peer id of the node. */
  readonly peer: unknown
}

/** By the running node of the folder; undefined where none runs. @throws CommandError */
async function revokeRunning(
  invocation: Invocation,
  { data, key, reason }: Revoking
): Promise<Revoked | undefined> {
  const { SetupError, connectAdmin } = await import('../../node/index.ts')
  const running = await connectAdmin(data).catch((error: unknown) => {
    if (error instanceof SetupError && error.reason === 'unreachable') return undefined
    throw error
  })
  if (running === undefined) return undefined
  await using admin = running
  if (givenHubKey(invocation)?.file !== undefined)
    throw new CommandError(
      EXIT.inUse,
      `--hub-key: a node runs on ${data}, and takes no key from a command: stop it first`
    )
  try {
    const asked = async () => ({
      statement: await admin.links.key_revoke({ key, reason }),
      peer: (await admin.status())['peer_id']
    })
    return await withDeadline(asked(), ANSWER_MS, `the node of ${data}`)
  } catch (error) {
    throw refusedRequest(error, invocation)
  }
}

async function revokeStopped(invocation: Invocation, { data, key, reason }: Revoking): Promise<Revoked> {
  const { openKeys, revokeNodeKey } = await import('../../node/index.ts')
  await using hub = await openKeys(data, { hubKey: givenHubKey(invocation), nowMs: Date.now() })
  const { statement } = await revokeNodeKey(hub, { key, reason })
  return { statement, peer: hub.keys.peerId }
}

async function keyGiven(invocation: Invocation): Promise<string> {
  const { peerPublicKey } = await import('../../node/index.ts')
  const [peer, key] = [invocation.option('peer'), invocation.option('key')]
  if ((peer === undefined) === (key === undefined))
    throw new CommandError(EXIT.usage, 'which key: give --peer PEER_ID, or --key HEX')
  const hex = key ?? Buffer.from(peerPublicKey(peer ?? '') ?? []).toString('hex')
  if (/^[0-9a-f]{64}$/.test(hex)) return hex
  throw new CommandError(
    EXIT.usage,
    peer === undefined ? '--key: not a public key in hex' : '--peer: not the peer id of an Ed25519 key'
  )
}

/** @throws CommandError `usage` */
export function reasonGiven(invocation: Invocation): string {
  const reason = invocation.option('reason') ?? ''
  if (Buffer.byteLength(reason) <= MAX_REASON_BYTES && !/\p{Cc}/u.test(reason)) return reason
  throw new CommandError(EXIT.usage, `--reason: must be one line of at most ${MAX_REASON_BYTES} bytes`)
}
