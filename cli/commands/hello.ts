import { CLIENT_OPTIONS, callingOf } from '../client.ts'
import { NODE_ARGUMENT } from '../command.ts'
import type { CommandBody } from '../command.ts'
import { withDeadline } from '../deadline.ts'
import { EXIT } from '../exit-codes.ts'
import { withPeer } from '../peer.ts'
import { roundMs, timeText } from '../quantity.ts'
import { appText } from '../registry-names.ts'
import { facts, printable } from '../terminal.ts'

const ANSWER_MS = 10_000

export const hello: CommandBody = {
  details:
    'Shows that the node runs, that it is the peer its address names, and that it speaks OAP/1. ' +
    'Exit 69 is about the way there (not running, firewall, wrong address or peer id), 76 about what is there: no peer, or no OAP.',
  arguments: [NODE_ARGUMENT],
  options: CLIENT_OPTIONS,
  examples: [
    {
      line: 'omnigate hello /ip4/127.0.0.1/tcp/4801/p2p/12D3Koo...',
      says: 'version, limits, services, and how the connection is encrypted'
    },
    { line: 'RON_NODE_URL=/ip4/127.0.0.1/tcp/4801 omnigate hello --json', says: 'the same, from a script' }
  ],
  exits: ['failed', 'badInput', 'noInput', 'badAddress', 'unreachable', 'notOap', 'permission'],
  async run(invocation) {
    const calling = await callingOf(invocation)
    return withPeer(calling, async node => {
      const asked = performance.now()
      const { raw, ...said } = await withDeadline(node.hello(), ANSWER_MS, calling.address)
      const rttMs = performance.now() - asked
      const result = { peer: node.peer, encryption: node.encryption, rtt_ms: roundMs(rttMs), hello: raw }
      invocation.show(result, () =>
        facts(
          [
            ['peer', node.peer],
            ['encryption', node.encryption],
            ['software', said.serverVersion === undefined ? undefined : printable(said.serverVersion)],
            ['OAP', said.versions.join(' ')],
            ['max_frame', said.maxFrameBytes],
            ['max_inflight', said.maxInflight],
            ['compression', said.supportsCompression ? 'zstd' : 'none'],
            ['services', said.apps.map(appText).join(' ')],
            ['answered in', timeText(rttMs)]
          ],
          invocation.terminal
        )
      )
      return EXIT.ok
    })
  }
}
