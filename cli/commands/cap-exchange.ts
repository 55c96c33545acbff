import { CLIENT_OPTIONS, callingOf } from '../client.ts'
import { NODE_ARGUMENT } from '../command.ts'
import type { CommandBody } from '../command.ts'
import { withDeadline } from '../deadline.ts'
import { EXIT } from '../exit-codes.ts'
import { CommandError } from '../command-error.ts'
import { dateText } from '../moment.ts'
import { withPeer } from '../peer.ts'
import { printable } from '../terminal.ts'
import { CAP_VARIABLE } from '../token-input.ts'

const ANSWER_MS = 15_000

export const capExchange: CommandBody = {
  details:
    'Asks the node for it, which vouches for the capability in RON_CAP at the other hub: that must be bound to the key of this client and name the verb cap:obtain. ' +
    'Prints the text of the new token; where it is good and until when goes to standard error. It lasts at most a quarter of an hour, allows no more than the capability and the treaty of the other hub both do, and falls with either.',
  arguments: [NODE_ARGUMENT],
  options: [
    { name: 'hub', value: 'HUB_ID', summary: 'the hub that is to be called', completes: 'nothing' },
    { name: 'verb', value: 'V,V', summary: 'what is to be called there', completes: 'nothing' },
    {
      name: 'topic',
      value: 'T,T',
      summary: 'topics of these patterns only (default: all that the capability and a share have in common)',
      completes: 'nothing'
    },
    {
      name: 'share',
      value: 'ID',
      summary: 'the share that is meant, where several would do; see treaty show',
      completes: 'nothing'
    },
    ...CLIENT_OPTIONS
  ],
  examples: [
    {
      line: "omnigate cap exchange --hub h1... --verb mailbox:send --topic 'dispatch/*' > token",
      says: 'a token for the mailbox of that hub'
    },
    {
      line: 'omnigate cap exchange --hub h1... --verb mailbox:recv --json',
      says: 'with its addresses, for a script'
    }
  ],
  exits: ['failed', 'badInput', 'noInput', 'badAddress', 'unreachable', 'notOap', 'permission'],
  async run(invocation) {
    const [hub, verb] = ['hub', 'verb'].map(name => {
      const value = invocation.option(name)
      if (value === undefined) throw new CommandError(EXIT.usage, `--${name} is missing`)
      return value
    }) as [string, string]
    const [topic, share] = [invocation.option('topic'), invocation.option('share')]
    const calling = await callingOf(invocation)
    if (calling.cap === undefined)
      throw new CommandError(EXIT.usage, `no capability to exchange: set ${CAP_VARIABLE} to one of this hub`)
    const { capabilitiesService } = await import('../../protocols/index.ts')
    return withPeer(calling, async node => {
      const asked = node
        .client(capabilitiesService)
        .obtain({ hub, verb, ...(topic !== undefined && { topic }), ...(share !== undefined && { share }) })
      const { body = new Uint8Array(0), ...facts } = await withDeadline(asked, ANSWER_MS, calling.address)
      const token = Buffer.from(body).toString('base64url')
      invocation.show({ token, ...facts }, () => token)
      if (!invocation.isJson) {
        invocation.terminal.note(
          `capability ${printable(facts.cap_id)}, good until ${dateText(facts.expires)}, at:`
        )
        for (const address of facts.addresses) invocation.terminal.note(printable(address))
      }
      return EXIT.ok
    })
  }
}
