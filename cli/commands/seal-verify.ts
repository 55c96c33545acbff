import type { CommandBody } from '../command.ts'
import { HUB_FILE_OPTION, KEY_OPTION, showVerdict, trustOf } from '../snapshot-text.ts'

export const sealVerify: CommandBody = {
  details:
    'Needs no node and no network. Exit 1 names what is wrong: changed, missing or extra for a file, path for one that leads ' +
    'out of the folder, duplicate, not_a_file for a link, signature, key, revoked, and the others of ' +
    'specs/federation-snapshots.md. Of a snapshot the hub id is enough, since its folder holds what the hub key has signed. ' +
    'An old seal stays good after a rotation of keys; whether a snapshot has expired, snapshot verify says.',
  arguments: [{ name: 'DIR', summary: 'the folder with sha256.json', completes: 'folder' }],
  options: [KEY_OPTION, HUB_FILE_OPTION],
  examples: [
    { line: 'omnigate seal verify ./1795000000 --key h1...', says: 'a snapshot, by the id of its hub' },
    { line: 'omnigate seal verify ./release --key hub.pub', says: 'a folder that was sealed by hand' }
  ],
  exits: ['failed', 'badInput', 'noInput', 'io', 'permission'],
  async run(invocation) {
    const { verifySeal } = await import('../../node/index.ts')
    const folder = invocation.neededArgument('DIR')
    const trust = await trustOf(invocation, Math.floor(Date.now() / 1000))
    return showVerdict(invocation, folder, await verifySeal(folder, trust))
  }
}
