import type { CommandBody } from '../command.ts'
import { momentS } from '../moment.ts'
import { HUB_FILE_OPTION, KEY_OPTION, showVerdict, trustOf } from '../snapshot-text.ts'

export const snapshotVerify: CommandBody = {
  details:
    'Needs no node and no network. Besides what seal verify checks, the snapshot must not have expired, or at --at; and with ' +
    '--after it must go on from that earlier one: a lower number is a rollback, another snapshot of the same number a split.',
  arguments: [{ name: 'DIR', summary: 'the folder', completes: 'folder' }],
  options: [
    KEY_OPTION,
    HUB_FILE_OPTION,
    {
      name: 'at',
      value: 'TIME',
      summary: 'when it must hold, as 2030-01-31T12:00Z or Unix seconds; now without it',
      completes: 'nothing'
    },
    { name: 'after', value: 'DIR', summary: 'the folder of an earlier one', completes: 'folder' }
  ],
  examples: [
    { line: 'omnigate snapshot verify ./1795000000 --key h1...', says: 'one that was copied from a hub' },
    {
      line: 'omnigate snapshot verify ./1795086400 --key h1... --after ./1795000000',
      says: 'that it goes on from the one before'
    }
  ],
  exits: ['failed', 'badInput', 'noInput', 'io', 'permission'],
  async run(invocation) {
    const { verifySnapshot } = await import('../../node/index.ts')
    const folder = invocation.neededArgument('DIR')
    const nowS = Math.floor(Date.now() / 1000)
    const at = invocation.option('at')
    const trust = await trustOf(invocation, at === undefined ? nowS : momentS('at', at, nowS))
    const after = invocation.option('after')
    return showVerdict(invocation, folder, await verifySnapshot(folder, { ...trust, after }))
  }
}
