import { CAVEAT_OPTIONS, VERB_OPTION, askedCaveats } from '../caveat-options.ts'
import { DATA_OPTION } from '../command.ts'
import type { CommandBody } from '../command.ts'
import { CommandError } from '../command-error.ts'
import { EXIT } from '../exit-codes.ts'
import type { Invocation } from '../invocation.ts'
import { dateText } from '../moment.ts'
import { OPERATOR_DETAILS, OPERATOR_EXITS, withOperator } from '../operator.ts'

export const capMint: CommandBody = {
  details:
    'Prints the text of the token; what it is goes to standard error. Without --ttl it lasts as long as ' +
    'capabilities.defaultTtlMs says. A bearer token is good for whoever has it, and a node takes those only with ' +
    `capabilities.takesBearer. ${OPERATOR_DETAILS}`,
  options: [
    DATA_OPTION,
    {
      name: 'tenant',
      value: 'NAME',
      summary: 'whose data it is about, by name or id (default: default)',
      completes: 'nothing'
    },
    ...CAVEAT_OPTIONS.map(option => (option === VERB_OPTION ? { ...option, isRequired: true } : option)),
    { name: 'bearer', summary: 'in place of --peer: whoever has the token may use it' },
    {
      name: 'subject',
      value: 'NAME',
      summary: 'for whom it is, in your words; it can be revoked by that',
      completes: 'nothing'
    }
  ],
  examples: [
    {
      line: 'omnigate cap mint --data ./hub --verb echo:call --peer "$(omnigate whoami)" > token',
      says: 'a token for the client key of this user'
    },
    {
      line: 'omnigate cap mint --data ./hub --verb mailbox:send --topic "dispatch/*" --rate 50 --ttl 24h --peer 12D3Koo...',
      says: 'one that sends to some topics only, 50 times a second, for a day'
    }
  ],
  exits: OPERATOR_EXITS,
  async run(invocation) {
    const { verb, ...asked } = askedCaveats(invocation, Math.floor(Date.now() / 1000))
    if (verb === undefined) throw new CommandError(EXIT.usage, '--verb V,V is missing')
    checkHolder(invocation)
    const minted = await withOperator(invocation, operator =>
      operator.cap_mint({
        verb,
        ...asked,
        tenant: invocation.option('tenant') ?? 'default',
        ...(invocation.flag('bearer') && { bearer: true }),
        ...subjectOf(invocation)
      })
    )
    const { body = new Uint8Array(0), ...facts } = minted
    const token = Buffer.from(body).toString('base64url')
    invocation.show({ token, ...facts }, () => token)
    if (!invocation.isJson)
      invocation.terminal.note(
        `capability ${facts.cap_id}, root key ${facts.kid}, good until ${dateText(facts.expires)}`
      )
    return EXIT.ok
  }
}

function checkHolder(invocation: Invocation): void {
  const isBound = invocation.option('peer') !== undefined
  if (isBound === invocation.flag('bearer'))
    throw new CommandError(
      EXIT.usage,
      'say who may use it: --peer PEER_ID, which whoami prints for a client, or --bearer for whoever has it'
    )
}

function subjectOf(invocation: Invocation): { readonly subject?: string } {
  const subject = invocation.option('subject')
  return subject === undefined ? {} : { subject }
}
