import type { MinisignSecretFile } from '../../node/index.ts'
import { CommandError } from '../command-error.ts'
import { DATA_OPTION } from '../command.ts'
import type { CommandBody } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { HUB_KEY_DETAILS, HUB_KEY_OPTIONS, KEY_EXITS, givenHubKey } from '../hub-key.ts'
import type { Invocation } from '../invocation.ts'
import { passwordOptions, passwordSource } from '../password.ts'
import { asCalled, shellWord } from '../self.ts'
import { facts } from '../terminal.ts'
import { reasonGiven } from './key-revoke.ts'

export const keySucceed: CommandBody = {
  details:
    'Both keys sign that the one follows the other. The hub id is another then: the operator of each peer must confirm it, ' +
    'tokens and revocations of before mean nothing any more, and the audit log of the new hub begins where that of the old one ' +
    'ends. What is stored stays, and so does the node key. It needs --yes, since nothing takes it back. ' +
    HUB_KEY_DETAILS,
  options: [
    DATA_OPTION,
    {
      name: 'next-key',
      value: 'FILE',
      summary: 'secret key to go on under, which stays where it is (default: a new one, in the data folder)',
      completes: 'file'
    },
    ...HUB_KEY_OPTIONS,
    ...passwordOptions('new-', 'the password of the key to go on under'),
    {
      name: 'reason',
      value: 'TEXT',
      summary: 'for the operators of peers; it is signed, and public',
      completes: 'nothing'
    },
    { name: 'yes', summary: 'do it' }
  ],
  examples: [
    { line: 'omnigate key succeed --data ./hub --yes', says: 'under a new key that lies in the data folder' },
    {
      line: 'omnigate key succeed --data ./hub --hub-key old.key --next-key new.key --yes',
      says: 'both keys are kept elsewhere'
    }
  ],
  exits: ['failed', ...KEY_EXITS],
  async run(invocation) {
    const { openKeys, succeedHub } = await import('../../node/index.ts')
    const data = invocation.neededOption(DATA_OPTION)
    const reason = reasonGiven(invocation)
    await using hub = await openKeys(data, { hubKey: givenHubKey(invocation), nowMs: Date.now() })
    if (!invocation.flag('yes'))
      throw new CommandError(
        EXIT.failed,
        `hub ${hub.keys.hubId} would end, with all its tokens, and each peer would have to confirm: say --yes`
      )
    const file = invocation.option('next-key')
    const next = await nextKey(invocation, file)
    const { succession, nodesElsewhere } = await succeedHub(hub, {
      next,
      isKept: file === undefined,
      reason
    })
    const { hub: ended, successor } = succession.statement
    const peers = `give them what this prints: ${asCalled(`omnigate key export --data ${shellWord(data)}`)}`
    invocation.show({ ended, hub_id: successor, nodes_elsewhere: nodesElsewhere }, () =>
      facts(
        [
          ['ended', ended],
          ['hub', successor],
          ['hub key', file ?? 'in the data folder, without a password; keep a copy away from this machine'],
          ['tokens', 'those of before are refused: mint new ones'],
          ['peers', peers],
          ['nodes', nodesElsewhere.length > 0 && `the new key must sign for: ${nodesElsewhere.join(', ')}`]
        ].filter(([, value]) => value !== false) as [string, string][],
        invocation.terminal
      )
    )
    return EXIT.ok
  }
}

async function nextKey(invocation: Invocation, file: string | undefined): Promise<MinisignSecretFile> {
  const { generateMinisign, openSecretKey } = await import('../../node/index.ts')
  if (file === undefined) return generateMinisign()
  const ask = passwordSource(invocation, 'new-')
  return openSecretKey(file, ask && (of => ask(`Password of ${of}: `)), 'new-')
}
