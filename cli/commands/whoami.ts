import { KEY_OPTION, keyPlace, peerIdOf, readClientKey } from '../client-key.ts'
import type { CommandBody } from '../command.ts'
import { EXIT } from '../exit-codes.ts'

export const whoami: CommandBody = {
  details: 'It is what an operator binds a capability to. It is not secret.',
  options: [KEY_OPTION],
  examples: [
    { line: 'omnigate whoami', says: 'the peer id, for cap mint --peer' },
    { line: 'omnigate whoami --key ./ci.key --json', says: 'that of another key' }
  ],
  exits: ['badInput', 'noInput', 'permission'],
  async run(invocation) {
    const place = keyPlace(invocation)
    const peer = peerIdOf(await readClientKey(place))
    invocation.show({ peer_id: peer, key: place.path }, () => peer)
    return EXIT.ok
  }
}
