import { setTimeout as sleep } from 'node:timers/promises'
import { CommandError } from '../command-error.ts'
import { DATA_OPTION } from '../command.ts'
import type { CommandBody } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { interruptible } from '../interruptible.ts'
import type { Invocation } from '../invocation.ts'
import { durationS, leftText } from '../moment.ts'
import {
  PAIRING_EXITS,
  TREATY_OPTION,
  askToConfirm,
  confirmedText,
  treatyOption,
  waitingText,
  withLinks
} from '../pairing.ts'
import type { Waiting } from '../pairing.ts'
import { asCalled } from '../self.ts'
import type { AdminClient } from '../../node/index.ts'

const POLL_MS = 300
const MAX_WAIT_MS = 17 * 60_000

export const peerInvite: CommandBody = {
  details:
    'Prints a code for the operator of the other hub, who gives it to peer accept. It works once, for at most 15 minutes; ' +
    'whoever has it can ask to be paired, and nothing more. Both operators are shown a fingerprint then: read it to each ' +
    'other, by another way than the code went. Only when both confirm does each hub stand on the list of the other. ' +
    'Without --treaty the other hub may call echo, little of it, and nothing else. With --no-wait, with --json, or where ' +
    'nobody sits at the terminal, peer confirm does the rest. Needs a running node.',
  options: [
    DATA_OPTION,
    TREATY_OPTION,
    { name: 'ttl', value: 'TIME', summary: 'how long it works: 5m (default: 15m)', completes: 'nothing' },
    {
      name: 'address',
      value: 'MULTIADDR',
      summary:
        'where the other hub is to dial; may be given several times (default: all addresses of the node)',
      isList: true,
      completes: 'nothing'
    },
    { name: 'no-wait', summary: 'print the code and end' }
  ],
  examples: [
    { line: 'omnigate peer invite --data ./hub', says: 'prints the code, waits, and asks' },
    { line: 'omnigate peer invite --data ./hub --treaty clinic.toml --no-wait', says: 'for a script' }
  ],
  exits: [...PAIRING_EXITS, 'interrupted'],
  async run(invocation) {
    const ttl = invocation.option('ttl')
    const addresses = invocation.list('address')
    const body = await treatyOption(invocation)
    const request = {
      ...(ttl !== undefined && { ttl_s: durationS('ttl', ttl) }),
      ...(addresses && { addresses }),
      ...(body && { body })
    }
    return withLinks(
      invocation,
      async links => {
        const invite = await links.pair_invite(request)
        invocation.show(invite, () => invite.code)
        const left = leftText(invite.expires, Math.floor(Date.now() / 1000))
        invocation.terminal.note(
          `for the other operator, within ${left}: ${asCalled('omnigate peer accept CODE --data DIR')}`
        )
        if (invocation.flag('no-wait') || invocation.isJson) return EXIT.ok
        return interruptible('peer invite', signal => waitForPeer(links, invocation, signal))
      },
      MAX_WAIT_MS
    )
  }
}

async function waitForPeer(
  links: AdminClient['links'],
  invocation: Invocation,
  signal: AbortSignal
): Promise<number> {
  const known = new Set((await links.pair_state({})).waiting.map(({ fingerprint }) => fingerprint))
  let paired: Waiting | undefined
  try {
    while (paired === undefined) {
      await sleep(POLL_MS, undefined, { signal }).catch(() => signal.throwIfAborted())
      const { invite, waiting } = await links.pair_state({})
      paired = waiting.find(one => one.is_inviter && !known.has(one.fingerprint))
      if (paired === undefined && invite !== 'open') throw new CommandError(EXIT.failed, ENDED[invite])
    }
  } catch (error) {
    if (signal.aborted) await links.pair_decline({})
    throw error
  }
  const pairing = paired
  invocation.terminal.result(waitingText(pairing, invocation))
  switch (await askToConfirm(links, pairing, invocation)) {
    case 'confirmed':
      invocation.terminal.note(confirmedText(pairing.hub, invocation))
      return EXIT.ok
    case 'declined':
      throw new CommandError(EXIT.failed, 'declined; nothing was written')
    case 'waiting':
      return EXIT.ok
  }
}

const ENDED = {
  none: 'there is no invite any more: the node was started again; invite again',
  paired: 'the invite was used, and declined; invite again if that was not you',
  void: 'the invite is void: it was taken back, another was made, or somebody tried to guess it; invite again',
  expired: 'nobody used the invite in time; invite again'
} as const
