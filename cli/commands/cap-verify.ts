import type { CapabilityUse } from '../../protocols/index.ts'
import { appId, byteCount, VERB_OPTION } from '../caveat-options.ts'
import { KEY_OPTION, ownKey, peerIdOf } from '../client-key.ts'
import { DATA_OPTION } from '../command.ts'
import type { CommandBody } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import type { Invocation } from '../invocation.ts'
import { OPERATOR_EXITS, withOperator } from '../operator.ts'
import { appNamed } from '../registry-names.ts'
import { facts, printable } from '../terminal.ts'
import { TOKEN_ARGUMENT, givenToken } from '../token-input.ts'
import type { GivenToken } from '../token-input.ts'
import { writtenCaveats } from '../token-text.ts'

export const capVerify: CommandBody = {
  details:
    'Without --data it judges offline by what the token says. With --data the hub judges, as it would the call: by its ' +
    'root keys, revocations and tenants. It counts no rates, and does not know whether the node takes bearer tokens. ' +
    'Exit 1 when the token does not allow the call.',
  arguments: [TOKEN_ARGUMENT],
  options: [
    { ...VERB_OPTION, value: 'VERB', summary: 'the verb of the call', isRequired: true },
    {
      name: 'app',
      value: 'APP',
      summary: "the service that is called (default: that of the verb's name)",
      completes: 'nothing'
    },
    { name: 'topic', value: 'TOPIC', summary: 'the topic that the call names', completes: 'nothing' },
    { name: 'content', value: 'CID', summary: 'the content id that the call names', completes: 'nothing' },
    { name: 'bytes', value: 'N', summary: "the length of the call's body", completes: 'nothing' },
    { name: 'writes', summary: 'the call changes something' },
    {
      name: 'peer',
      value: 'PEER_ID',
      summary: 'who calls (default: this client, if it has a key, else the holder)',
      completes: 'nothing'
    },
    KEY_OPTION,
    { ...DATA_OPTION, isRequired: false, summary: 'data folder of the hub that is to judge' }
  ],
  examples: [
    { line: 'omnigate cap verify --verb echo:call', says: 'the token in RON_CAP, as a call of this client' },
    {
      line: 'omnigate cap verify token --verb mailbox:send --topic dispatch/SF --data ./hub',
      says: 'a token in a file, by the keys of a hub'
    }
  ],
  exits: OPERATOR_EXITS,
  async run(invocation) {
    const token = await givenToken(invocation)
    const use = await useOf(invocation, token)
    const hasHub = invocation.option('data') !== undefined
    const refusal = hasHub ? await hubsVerdict(invocation, token, use) : await offlineVerdict(token, use)
    const failing = refusal === undefined ? [] : await writtenFor(refusal, token)
    const result = {
      allowed: refusal === undefined,
      by: hasHub ? 'hub' : 'offline',
      verb: use.verb,
      peer: use.peer,
      code: refusal?.code ?? null,
      reason: refusal?.reason ?? null,
      caveats: failing
    }
    invocation.show(result, () =>
      facts(
        [
          ['verdict', verdictText(refusal, invocation)],
          ['because', refusal?.message],
          ...failing.map(text => ['caveat', text] as const),
          ['call', callText(use)],
          ['of peer', use.peer],
          ['by', hasHub ? 'the hub, with its keys' : 'what the token says; give --data to ask its hub']
        ],
        invocation.terminal
      )
    )
    return refusal === undefined ? EXIT.ok : EXIT.failed
  }
}

interface Refusal {
  readonly code: string
  readonly reason?: string | undefined
  readonly message: string
}

async function useOf(invocation: Invocation, { says }: GivenToken): Promise<CapabilityUse> {
  const verb = invocation.neededOption({ ...VERB_OPTION, value: 'VERB' })
  const app = invocation.option('app')
  const bytes = invocation.option('bytes')
  const own = invocation.option('peer') === undefined ? await ownKey(invocation) : undefined
  return {
    verb,
    app: app === undefined ? (appNamed(verb.split(':')[0] ?? '') ?? 0) : appId(app),
    topic: invocation.option('topic'),
    content: invocation.option('content'),
    bytes: bytes === undefined ? 0 : byteCount('bytes', bytes),
    writes: invocation.flag('writes'),
    tenantId: undefined,
    peer: invocation.option('peer') ?? (own && peerIdOf(own)) ?? says.limits.peer ?? '',
    hub: says.hub ?? '',
    now: Math.floor(Date.now() / 1000)
  }
}

async function offlineVerdict({ says }: GivenToken, use: CapabilityUse): Promise<Refusal | undefined> {
  const { refusalOf } = await import('../../protocols/index.ts')
  return refusalOf(says, use)
}

async function hubsVerdict(
  invocation: Invocation,
  { bytes: body }: GivenToken,
  { verb, app, topic, content, bytes, writes, peer }: CapabilityUse
): Promise<Refusal | undefined> {
  const asked = { verb, app, topic, content, bytes, writes, peer, body }
  const {
    allowed,
    code = 'cap_denied',
    reason,
    message = ''
  } = await withOperator(invocation, operator => operator.cap_verify(asked))
  return allowed ? undefined : { code, reason, message: printable(message) }
}

/** The caveats that the refusal names, as they stand in the token. */
async function writtenFor({ reason }: Refusal, { bytes }: GivenToken): Promise<readonly string[]> {
  const { decodeToken } = await import('../../protocols/index.ts')
  return writtenCaveats(decodeToken(bytes))
    .filter(({ key }) => key !== undefined && key === reason)
    .map(({ text }) => text)
}

function verdictText(refusal: Refusal | undefined, { terminal }: Invocation): string {
  if (refusal === undefined) return terminal.style('green', 'allowed')
  const { code, reason } = refusal
  return terminal.style('red', reason === undefined ? `refused, ${code}` : `refused, ${code}: ${reason}`)
}

const callText = ({ verb, topic, content, bytes, writes }: CapabilityUse): string =>
  [
    verb,
    topic === undefined ? '' : `on topic ${topic}`,
    content === undefined ? '' : `of ${content}`,
    bytes === 0 ? '' : `with ${bytes} bytes`,
    writes ? 'that writes' : ''
  ]
    .filter(part => part !== '')
    .join(' ')
