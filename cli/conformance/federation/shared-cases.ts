import type { FederationCase } from './federation-case.ts'
import { Talk } from './talk.ts'
import type { Parties } from './talk.ts'

const GOSSIP = ['/meshsub/1.2.0', '/meshsub/1.1.0', '/meshsub/1.0.0']
/** What stands in the names of all of them. */
const TOLD_BY = ['/meshsub/', '/floodsub/', '/kad/']
const NEVER_HEARD = '/omnigate/never-heard-of/1.0.0'

const dhtOf = ({ federation }: Parties): string => `/omnigate/${federation}/kad/1.0.0`

/** What is there for links alone is not there for anybody else: federation-links.md, section 11.2. */
export const HIDDEN_CASES: readonly FederationCase[] = [
  {
    id: 'handshake-hidden-protocols',
    about: 'gossip and the DHT are na for a connection without a link, as a name is that nobody has heard',
    steps: parties => [
      { propose: { names: [NEVER_HEARD], agrees: false } },
      { propose: { names: [...GOSSIP, dhtOf(parties)], agrees: false } },
      { identify_without: TOLD_BY }
    ]
  },
  {
    id: 'handshake-hidden-half-way',
    about: 'a hello that was answered makes no link: gossip and the DHT are na behind it, too',
    steps: parties => {
      const talk = new Talk(parties)
      return [
        talk.hello(),
        talk.challenged(),
        { propose: { names: [...GOSSIP, dhtOf(parties)], agrees: false } }
      ]
    }
  }
]

/** A link has them at once, and identify names them to nobody. */
export const SHARED_CASES: readonly FederationCase[] = [
  {
    id: 'link-shared-protocols',
    about:
      'gossip and the DHT are na before the handshake and there from when it has made the link; identify names neither',
    steps: parties => [
      { propose: { names: [...GOSSIP, dhtOf(parties)], agrees: false } },
      ...new Talk(parties).all(),
      { propose: { names: GOSSIP, agrees: true } },
      { propose: { names: [dhtOf(parties)], agrees: true } },
      { identify_without: TOLD_BY }
    ]
  }
]
