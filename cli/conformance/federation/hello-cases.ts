import type { Step } from '../vectors.ts'
import { LAST_MEMBER, MALFORMED, OTHER_PEER, inText, lengthened } from './federation-case.ts'
import type { FederationCase, Told } from './federation-case.ts'
import { Talk, hex, refused } from './talk.ts'
import type { Parties } from './talk.ts'

const HELLO_BYTES = 4096
const HOUR_S = 3600

/** A hello whose members are so is refused so. */
const helloRefused = (
  id: string,
  about: string,
  [status, code]: Told,
  changes: (parties: Parties) => Readonly<Record<string, unknown>>
): FederationCase => ({
  id: `handshake-${id}`,
  about,
  steps: parties => [new Talk(parties, changes(parties)).hello(), refused(1, status, code)]
})

/** Bytes in the place of a hello that are none. */
const noHello = (id: string, about: string, change: (hello: Buffer) => Buffer): FederationCase => ({
  id: `handshake-${id}`,
  about,
  steps: parties => [new Talk(parties).hello(1, change), refused(1, 400, 'malformed')]
})

/** How a node answers a hello, whoever sends it. */
export const HELLO_CASES: readonly FederationCase[] = [
  {
    id: 'handshake-hello',
    about: 'a hello is answered with a challenge of its form, whose delegation its hub signed for this peer',
    steps: parties => {
      const talk = new Talk(parties)
      return [talk.hello(), talk.challenged()]
    }
  },
  {
    id: 'handshake-unknown-member',
    about: 'a member that nobody knows is passed over; a hello of 4,096 bytes is taken',
    steps: parties => {
      const filler = 'z'.repeat(HELLO_BYTES - new Talk(parties, { [LAST_MEMBER]: '' }).helloBytes.length)
      const talk = new Talk(parties, { [LAST_MEMBER]: filler })
      return [talk.hello(), talk.challenged()]
    }
  },
  {
    id: 'handshake-fresh-nonce',
    about: 'two connections have two nonces of the responder',
    steps: parties => {
      const [one, other] = [new Talk(parties), new Talk(parties)]
      return [
        one.hello(),
        one.challenged(),
        { connect: true },
        other.hello(),
        other.challenged(),
        check('another nonce', () => one.theirNonce !== other.theirNonce)
      ]
    }
  },
  {
    id: 'handshake-replayed-hello',
    about: 'a hello that comes again on another connection is 403 replayed',
    steps: parties => {
      const talk = new Talk(parties)
      return [talk.hello(), talk.challenged(), { connect: true }, talk.hello(), refused(1, 403, 'replayed')]
    }
  },
  {
    id: 'handshake-second-hello',
    about: 'a second hello on one connection is 409 second_handshake, also when the first was refused',
    steps: parties => {
      const talk = new Talk(parties)
      return [
        talk.hello(),
        talk.challenged(),
        new Talk(parties).hello(2),
        refused(2, 409, 'second_handshake'),
        { connect: true },
        new Talk(parties, { versions: [2] }).hello(),
        refused(1, 400, 'unknown_version'),
        new Talk(parties).hello(2),
        refused(2, 409, 'second_handshake')
      ]
    }
  },
  ...[-HOUR_S, HOUR_S].map((skew): FederationCase => ({
    id: `handshake-clock-${skew < 0 ? 'behind' : 'ahead'}`,
    about: `a clock that is an hour ${skew < 0 ? 'behind' : 'ahead'} is no reason to refuse`,
    steps: parties => {
      const talk = new Talk(parties, { time: parties.nowS + skew })
      return [talk.hello(), talk.challenged()]
    }
  })),
  noHello('garbage', 'bytes that are no JSON are 400 malformed', () => Buffer.from('no handshake at all')),
  noHello(
    'not-canonical',
    'a hello with a space in it is 400 malformed',
    inText(hello => hello.replace(':', ': '))
  ),
  noHello(
    'member-twice',
    'a member that stands twice is 400 malformed',
    inText(hello => hello.replace('{', '{"algs":["a"],'))
  ),
  noHello('hello-long', 'a hello of 4,097 bytes is 400 malformed', lengthened(HELLO_BYTES + 1)),
  helloRefused('member-missing', 'a hello without a member is 400 malformed', MALFORMED, () => ({
    boot: undefined
  })),
  helloRefused('member-wrong', 'a nonce in capitals is 400 malformed', MALFORMED, () => ({
    nonce: hex(32).replace(/^../, 'AA')
  })),
  helloRefused('versions-descending', 'versions that do not ascend are 400 malformed', MALFORMED, () => ({
    versions: [2, 1]
  })),
  helloRefused('no-peer-id', 'a peer id that is none is 400 malformed', MALFORMED, () => ({
    from: 'QmNobody'
  })),
  helloRefused(
    'reflected',
    "a hello from the responder's own peer id is 403 reflected",
    [403, 'reflected'],
    ({ node }) => ({
      from: node
    })
  ),
  helloRefused(
    'relayed-from',
    'a hello from another peer than the channel proved is 403 relayed',
    [403, 'relayed'],
    () => ({
      from: OTHER_PEER
    })
  ),
  helloRefused('relayed-to', 'a hello to another peer is 403 relayed', [403, 'relayed'], () => ({
    to: OTHER_PEER
  })),
  helloRefused(
    'unknown-version',
    'a version that nobody has is 400 unknown_version',
    [400, 'unknown_version'],
    () => ({
      versions: [65_535]
    })
  ),
  helloRefused(
    'unknown-algorithm',
    'an algorithm that nobody has is 400 unknown_algorithm',
    [400, 'unknown_algorithm'],
    () => ({
      algs: ['rot13']
    })
  ),
  helloRefused(
    'unknown-extension',
    'an extension that must be known is 400 unknown_extension',
    [400, 'unknown_extension'],
    () => ({
      must: ['no-such-extension']
    })
  ),
  helloRefused(
    'other-federation',
    'another federation is 403 other_federation',
    [403, 'other_federation'],
    ({ federation }) => ({
      federation: `${federation}-2`
    })
  )
]

const check = (words: string, holds: () => boolean): Step => ({ check: holds, words })
