import { mailboxService } from '../../../protocols/index.ts'
import { DENIED, TOPIC_OF_NOBODY, denied, messageFrame, stored } from './asked.ts'
import { CAPABILITIES_APP, Exchanging, exchangeFrame, nowS, revokedFrame } from './exchanging.ts'
import type { StatementChange } from './exchanging.ts'
import { OTHER_PEER } from './federation-case.ts'
import type { FederationCase, Told } from './federation-case.ts'
import type { NamedShare, OpenShare } from './grant-cases.ts'
import type { Right } from './home-list.ts'
import { newHub, publicBytes } from './keys.ts'
import { answered, corrOf, hex, refused } from './talk.ts'
import type { Parties } from './talk.ts'
import type { VectorFrame } from '../../../specs/index.ts'
import type { Step } from '../vectors.ts'

/** Twice what the clocks of two hubs may differ by. */
const FAR_S = 120
const DAYS_S = 2 * 86_400
const MOST_S = 900
/** How long a head is good, and a little. */
const HEAD_MS = 62_000
const SPOKEN_MS = 10_000
const MAX_LINE = 8192
/** Far beyond what a node takes of one hub at once and in the time that it takes to send them. */
const MANY_STATEMENTS = 60
const MANY_NEWS = 300
const BATCH = 20
const MALFORMED: Told = [400, 'bad_request']
const REVOKED: Told = [401, 'cap_revoked']
const SPENT: Told = [429, 'quota_capability']

type Made = (exchanging: Exchanging, parties: Parties) => readonly Step[]

/** What a node does for the agents of another hub, over the link with it: federation-links.md, section 12. */
export function exchangeCases(share: OpenShare) {
  const { prefix } = share
  const made = (id: string, about: string, steps: Made, slow_ms?: number): FederationCase => ({
    id: `link-exchange-${id}`,
    about,
    ...(slow_ms !== undefined && { slow_ms }),
    steps: parties => steps(new Exchanging(parties, share), parties)
  })

  /** Statements that are each refused for the same reason. */
  const refusedFor = (
    id: string,
    about: string,
    reason: string,
    changes: readonly ((parties: Parties) => StatementChange)[],
    told: Told = DENIED
  ): FederationCase =>
    made(id, about, (link, parties) => [
      ...link.heard(),
      ...changes.flatMap((change, at) => [
        ...link.exchange(5 + at, () => change(parties)),
        denied(5 + at, CAPABILITIES_APP, reason, told)
      ])
    ])
  const malformed = (id: string, about: string, changes: readonly (() => StatementChange)[]) =>
    refusedFor(id, about, 'malformed', changes, MALFORMED)

  /** A message under the token that was given out last. */
  const sends = (link: Exchanging, n: number, topic = `${prefix}x`): Step => ({
    send_after: () => messageFrame(n, topic, {}, { cap: link.token })
  })
  const notSent = (n: number, reason: string, told: Told): Step => denied(n, mailboxService.app, reason, told)

  const revokedAtHome = (id: string, what: string, by: keyof Right): FederationCase =>
    made(
      `revoked-${id}`,
      `${what} falls once the hub has told of it, and is not given out again: 401 cap_revoked, 403 ${by}`,
      link => [
        ...link.heard(),
        ...link.exchange(5, () => ({ statement: { [by]: link.next[by] } })),
        link.given(5),
        sends(link, 6),
        stored(6),
        ...link.revokes(7),
        sends(link, 8),
        notSent(8, by, REVOKED),
        ...link.exchange(9, () => ({ statement: { [by]: link.last[by] } })),
        denied(9, CAPABILITIES_APP, by)
      ]
    )

  /** While the node has heard no head of this hub for a minute. */
  const silent: FederationCase[] = [
    made(
      'no-head',
      'no token is given out before the hub has said where its list of revocations stands, nor for a head of two minutes ago',
      link => [
        ...link.linked(),
        ...link.exchange(4),
        denied(4, CAPABILITIES_APP, 'head'),
        link.told(5, () => ({ head: link.head(nowS() - FAR_S) })),
        answered(5),
        ...link.exchange(6),
        denied(6, CAPABILITIES_APP, 'head')
      ]
    ),
    made('forged-head', 'a head by another key, and one of another list, count for nothing', link => [
      ...link.linked(),
      link.told(4, () => ({ head: link.head(nowS(), { signing: newHub().key }) })),
      answered(4),
      link.told(5, () => ({ head: link.head(nowS(), { statement: { digest: 'f'.repeat(64) } }) })),
      answered(5),
      ...link.exchange(6),
      denied(6, CAPABILITIES_APP, 'head')
    ])
  ]

  const usual: FederationCase[] = [
    made(
      'token',
      'a statement is answered with a token that says what it allows, and allows a message to the share and none elsewhere',
      (link, { self, hub }) => {
        const capId = hex(16)
        return [
          ...link.heard(),
          ...link.exchange(5, () => ({ statement: { cap_id: capId } })),
          link.given(5, caveats => {
            const wanted = [
              'verb = mailbox:send',
              `topic = ${prefix}**`,
              `peer = ${self}`,
              `audience = ${link.talk.theirHub}`,
              `origin = ${hub.id}/${capId}`
            ]
            const found = caveats.slice(0, -1).join('; ')
            return found === wanted.join('; ') ? undefined : `other caveats: ${found}`
          }),
          sends(link, 6),
          stored(6),
          sends(link, 7, TOPIC_OF_NOBODY),
          notSent(7, 'topic', DENIED)
        ]
      }
    ),
    made(
      'no-wider',
      'a statement for all topics and a day gives a token for those of the share, and a quarter of an hour',
      link => [
        ...link.heard(),
        ...link.exchange(5, () => ({ statement: { topics: ['**'], expires: nowS() + DAYS_S } })),
        link.given(5, caveats => {
          const topics = /^topic = (.*)$/.exec(caveats[1] ?? '')?.[1]?.split(',') ?? ['**']
          const end = Number(caveats.at(-1)?.slice('expires < '.length))
          if (topics.includes('**')) return `topics: ${topics.join()}`
          return end <= nowS() + MOST_S + 1 ? undefined : `it lasts until ${end}`
        }),
        sends(link, 6, TOPIC_OF_NOBODY),
        notSent(6, 'topic', DENIED)
      ]
    ),
    made('narrowed', 'what the statement bounds the token is bounded by, too', link => [
      ...link.heard(),
      ...link.exchange(5, () => ({ statement: { apps: [0x7fff], max_bytes: 1, rate: 2, streams: 3 } })),
      link.given(5, caveats => {
        const wanted = ['app = 0x7fff', 'rate <= 2/s', 'streams <= 3', 'max-bytes <= 1']
        return wanted.every(one => caveats.includes(one)) ? undefined : caveats.join('; ')
      }),
      sends(link, 6),
      notSent(6, 'app', DENIED)
    ]),
    made('other-peer', 'a token is good for the peer of the statement alone', link => [
      ...link.heard(),
      ...link.exchange(5, () => ({ statement: { peer: OTHER_PEER } })),
      link.given(5),
      sends(link, 6),
      notSent(6, 'peer', DENIED)
    ]),
    refusedFor('other-verb', 'a verb that the treaty does not name is refused: verb', 'verb', [
      () => ({ statement: { verbs: ['mailbox:recv'] } }),
      () => ({ statement: { verbs: ['cap:exchange', 'mailbox:send'] } })
    ]),
    refusedFor('other-topic', 'topics of which the share has none are refused: topic', 'topic', [
      () => ({ statement: { topics: [TOPIC_OF_NOBODY] } })
    ]),
    refusedFor('other-share', 'a share that the treaty does not have is refused: share', 'share', [
      () => ({ statement: { share: 'f'.repeat(32) } })
    ]),
    refusedFor('over', 'a right that has ended is refused: expires', 'expires', [
      () => ({ statement: { expires: nowS() - FAR_S } })
    ]),
    refusedFor('other-audience', 'a statement for another hub is refused: audience', 'audience', [
      () => ({ statement: { audience: newHub().id } })
    ]),
    refusedFor('other-hub', 'a statement of another hub than that of the link is refused: hub', 'hub', [
      () => ({ statement: { hub: newHub().id } })
    ]),
    refusedFor('other-key', 'a key or an epoch that the handshake has not shown is refused: key', 'key', [
      () => {
        const { key } = newHub()
        return { statement: { key: publicBytes(key).toString('hex') }, signing: key }
      },
      () => ({ statement: { epoch: 2 } })
    ]),
    refusedFor('other-time', 'a statement from before its delegation is refused: time', 'time', [
      () => ({ statement: { at: nowS() - DAYS_S } })
    ]),
    refusedFor('wrong-signature', 'a signature that does not fit is refused: signature', 'signature', [
      () => ({ signing: newHub().key })
    ]),
    refusedFor('clock', 'a statement of two minutes ago, or in two minutes, is refused: clock', 'clock', [
      () => ({ statement: { at: nowS() - FAR_S } }),
      () => ({ statement: { at: nowS() + FAR_S } })
    ]),
    made('replayed', 'a nonce that was shown before is refused: replayed', link => {
      const nonce = hex(16)
      return [
        ...link.heard(),
        ...link.exchange(5, () => ({ statement: { nonce } })),
        link.given(5),
        ...link.exchange(6, () => ({ statement: { nonce } })),
        denied(6, CAPABILITIES_APP, 'replayed')
      ]
    }),
    malformed('garbage', 'what is no line of a statement is 400 bad_request: malformed', [
      () => ({ line: () => '' }),
      () => ({ line: () => '{"signature":1,"statement":{}}' }),
      () => ({ line: line => ` ${line}` }),
      () => ({ line: line => line.slice(0, -1) })
    ]),
    malformed('form', 'a member too many, or of another form, is 400 bad_request: malformed', [
      () => ({ statement: { zzz: 1 } }),
      () => ({ statement: { nonce: hex(15) } }),
      () => ({ statement: { verbs: ['mailbox:send', 'mailbox:recv'] } })
    ]),
    malformed('beyond', 'more topics, verbs or characters than there may be are 400 bad_request: malformed', [
      () => ({ statement: { topics: numbered(17, n => `${prefix}t${n}`) } }),
      () => ({ statement: { verbs: numbered(17, n => `mailbox:v${n}`) } }),
      () => ({ line: line => line.padEnd(MAX_LINE + 1, 'z') })
    ]),
    made(
      'unlinked',
      'on a connection that is no link there is nothing to exchange: 401 cap_missing',
      link => [
        ...link.linked(),
        { connect: true },
        ...link.exchange(1),
        refused(1, 401, 'cap_missing', CAPABILITIES_APP),
        link.told(2),
        refused(2, 401, 'cap_missing', CAPABILITIES_APP)
      ]
    ),
    revokedAtHome('at-home', 'what its hub takes back', 'cap_id'),
    revokedAtHome('root-key', 'what was shown under a root key that its hub takes back', 'kid'),
    revokedAtHome('subject', 'what was given out for a subject that its hub takes back', 'subject'),
    made('bad-news', 'news of another form, or of more than 32 statements, is 400 bad_request', link => [
      ...link.heard(),
      { send: revokedFrame(5, Buffer.from('{"delegations":[]}')) },
      refused(5, 400, 'bad_request', CAPABILITIES_APP),
      link.told(6, () => ({ statements: link.upcoming(33) })),
      refused(6, 400, 'bad_request', CAPABILITIES_APP),
      link.told(7, () => ({ head: { ...(link.head(nowS()) as object), zzz: 1 } })),
      refused(7, 400, 'bad_request', CAPABILITIES_APP)
    ]),
    made(
      'head-gone',
      'a token outlives its link, until its hub was silent for a minute, and is good again when it speaks: 401 cap_revoked, head',
      (link, parties) => {
        const again = new Exchanging(parties, share)
        return [
          ...link.heard(),
          ...link.exchange(5),
          link.given(5),
          { connect: true },
          ...[1, 2, 3, 4, 5].flatMap((n): Step[] => [sends(link, n), stored(n), { wait_ms: SPOKEN_MS }]),
          { wait_ms: HEAD_MS - 5 * SPOKEN_MS },
          sends(link, 6),
          notSent(6, 'head', REVOKED),
          { connect: true },
          ...again.heard(),
          sends(link, 5),
          stored(5)
        ]
      },
      HEAD_MS
    ),
    made('too-often', 'more statements than a hub may show at once are 429 quota_capability', link => [
      ...link.linked(),
      ...batches(MANY_STATEMENTS, exchangeFrame(0, Buffer.from('{}')))
    ]),
    made('too-much-news', 'more news than a hub may tell at once is 429 quota_capability', link => [
      ...link.linked(),
      ...batches(MANY_NEWS, revokedFrame(0, Buffer.from('{}')))
    ])
  ]
  /** Where the treaty has such a share. */
  const ofShare = (named: NamedShare | undefined) => (): StatementChange => ({
    statement: { share: named?.id, topics: [`${named?.prefix}**`] }
  })
  const out = [
    refusedFor('other-way', 'a verb that goes the other way than the share is refused: dir', 'dir', [
      ofShare(share.out)
    ])
  ]
  const gone = [
    refusedFor('gone-tenant', 'a share whose tenant was removed is refused: tenant', 'tenant', [
      ofShare(share.gone)
    ])
  ]
  return { silent, usual, out, gone }
}

/** The same call so often, no more at once than a node may ask for (OAP/1, section 7); the last is one too many. */
function batches(count: number, frame: VectorFrame): Step[] {
  const ends = Array.from({ length: count / BATCH }, (_, n) => 3 + (n + 1) * BATCH)
  return ends.flatMap(end => [
    { send_each: { from: end + 1 - BATCH, to: end, frame } },
    end === ends.at(-1) ? refused(end, ...SPENT, CAPABILITIES_APP) : { expect: { corr_id: corrOf(end) } }
  ])
}

/** Texts in ascending order. */
const numbered = (count: number, text: (n: string) => string): string[] =>
  Array.from({ length: count }, (_, n) => text(String(n).padStart(2, '0')))
