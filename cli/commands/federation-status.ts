import { DATA_OPTION } from '../command.ts'
import type { CommandBody } from '../command.ts'
import { every } from '../every.ts'
import { EXIT } from '../exit-codes.ts'
import type { FederationClient } from '../../node/index.ts'
import type { PeerRow } from '../../protocols/index.ts'
import { bothSides, differenceText } from '../difference-text.ts'
import type { BothSides } from '../difference-text.ts'
import { dateText } from '../moment.ts'
import { isOapError } from '../oap-error.ts'
import { OPERATOR_EXITS, withFederation } from '../operator.ts'
import { linkText, sharesText, stateText } from '../peer-text.ts'
import { columns, facts, printable } from '../terminal.ts'

/** Lines about one hub; `treaty show` and `--json` have all. */
const MOST_DIFFERENCES = 8

export const federationStatus: CommandBody = {
  details:
    'One line for each hub on the allowlist: whether its treaty holds, and how its link is, with the reason where it is ' +
    'down. Below stands where our treaty and what the other hub grants differ, and what holds then. One side of each link ' +
    'must be dialable for the other. Of shared topics: how many shares there are, how many messages of that hub are known ' +
    'of and not here, how many were too old when they could be had, and when all was asked for last.',
  options: [DATA_OPTION],
  examples: [
    { line: 'omnigate federation status --data ./hub', says: 'links, and why one is down' },
    { line: 'omnigate federation status --data ./hub --json', says: 'all of it, for scripts' }
  ],
  exits: OPERATOR_EXITS,
  async run(invocation) {
    const { head, peers } = await withFederation(invocation, async federation => ({
      head: await federation.federation_status({}),
      peers: await withBothSides(federation, await every(federation.peer_list({})))
    }))
    const nowS = Math.floor(Date.now() / 1000)
    const { federation, hub, addresses, only_private_addresses, allowed, expired, quarantined, up } = head
    const moved = peers.filter(({ successor }) => successor !== undefined)
    invocation.show({ ...head, peers }, () =>
      [
        facts(
          [
            ['federation', federation],
            ['hub', hub],
            ...addresses.map(address => ['address', address] as const),
            [
              'reachable',
              only_private_addresses
                ? 'only from its own network; set node.announce, or let this hub dial the others'
                : ''
            ],
            ['allowed', allowed],
            ['linked', up],
            ['expired', expired === 0 ? '' : expired],
            ['quarantined', quarantined === 0 ? '' : `${quarantined}; see peer show`],
            [
              'snapshot',
              head.snapshot_seq === undefined
                ? ''
                : `${head.snapshot_seq}, made ${dateText(head.snapshot_created ?? 0)}`
            ],
            ['snapshots of', head.snapshot_hubs === undefined ? '' : `${head.snapshot_hubs} other hubs`],
            [
              'policy',
              head.policy_problem === undefined ? '' : `the file is wrong: ${printable(head.policy_problem)}`
            ],
            ['waiting', heldText(head.held_items, head.held_bytes)],
            [
              'outbox',
              head.outbox_messages === undefined ? '' : `${head.outbox_messages} messages wait for other hubs`
            ],
            [
              'accused',
              head.accusations === undefined
                ? ''
                : `other hubs have ${head.accusations} proofs that this one said two things, the newest heard ${dateText(head.accused_at ?? 0)}`
            ],
            ...moved.map(
              peer => ['to confirm', `${peer.hub} goes on as ${peer.successor}; see peer succeed`] as const
            )
          ],
          invocation.terminal
        ),
        ...(peers.length === 0
          ? []
          : [
              '',
              columns([
                ['HUB', 'TREATY', 'LINK', 'SHARES', 'NOTE'],
                ...peers.map(peer => [
                  peer.hub,
                  stateText(peer, nowS),
                  linkText(peer),
                  sharesText(peer),
                  printable(peer.note)
                ])
              ])
            ]),
        ...differing(peers)
      ].join('\n')
    )
    return EXIT.ok
  }
}

const heldText = (items = 0, bytes = 0): string =>
  items === 0 ? '' : `${items} messages, ${bytes} bytes; see federation quarantine list`

type PeerWithSides = PeerRow & Partial<BothSides>

/** Each hub with both sides of its treaty, where it is known what the other grants. */
async function withBothSides(
  federation: FederationClient,
  peers: readonly PeerRow[]
): Promise<readonly PeerWithSides[]> {
  const sides: PeerWithSides[] = []
  for (const peer of peers) sides.push({ ...peer, ...(await sidesOf(federation, peer)) })
  return sides
}

async function sidesOf(
  federation: FederationClient,
  { hub, differs }: PeerRow
): Promise<BothSides | undefined> {
  if (differs === undefined) return undefined
  try {
    return bothSides((await federation.treaty_show({ hub })).body)
  } catch (error) {
    // It was taken from the allowlist meanwhile.
    if (isOapError(error) && (error as Error & { code?: unknown }).code === 'not_found') return undefined
    throw error
  }
}

function differing(peers: readonly PeerWithSides[]): readonly string[] {
  const rows = peers.flatMap(({ hub, differences = [] }) => {
    const texts = differences.slice(0, MOST_DIFFERENCES).map(differenceText)
    const more = differences.length - texts.length
    if (more > 0) texts.push(`and ${more} more; see treaty show`)
    return texts.map((text, n) => [n === 0 ? hub : '', text])
  })
  return rows.length === 0 ? [] : ['', columns([['HUB', 'BOTH SIDES DIFFER'], ...rows])]
}
