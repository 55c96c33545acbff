import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { KEY_OPTION, keyPlace, newKeyText, peerIdOf, readClientKey } from '../client-key.ts'
import type { CommandBody } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { facts } from '../terminal.ts'

export const clientInit: CommandBody = {
  details:
    'Every command that calls a node uses it, and so a capability that is bound to its peer id is of use to nobody ' +
    'else. It never overwrites.',
  options: [KEY_OPTION],
  examples: [
    { line: 'omnigate client init', says: 'a key for this user, where all commands find it' },
    {
      line: 'omnigate client init --key ./ci.key',
      says: 'another one; name it with --key or OMNIGATE_CLIENT_KEY'
    }
  ],
  exits: ['badInput', 'noInput', 'cannotCreate', 'io', 'permission'],
  async run(invocation) {
    const { createFile, systemError } = await import('../../node/index.ts')
    const place = keyPlace(invocation)
    const { path, isDefault } = place
    if (isDefault)
      await mkdir(dirname(path), { recursive: true, mode: 0o700 }).catch((error: unknown) => {
        throw systemError(dirname(path), error)
      })
    await createFile(path, await newKeyText())
    const peer = peerIdOf(await readClientKey(place))
    invocation.show({ peer_id: peer, key: path }, () =>
      facts(
        [
          ['peer', peer],
          ['key', path]
        ],
        invocation.terminal
      )
    )
    return EXIT.ok
  }
}
