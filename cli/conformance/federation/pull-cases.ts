import { federationService, parseJson } from '../../../protocols/index.ts'
import type { DecodedFrame, VectorFrame } from '../../../specs/index.ts'
import type { Step } from '../vectors.ts'
import { BODY, messageFrame, stored } from './asked.ts'
import { canonical } from './canonical.ts'
import type { FederationCase } from './federation-case.ts'
import type { NamedShare, OpenShare } from './grant-cases.ts'
import { newHub } from './keys.ts'
import { TheirKeys, payloadOf, sha256Hex } from './signing.ts'
import { LEAST_TREATY, Talk, call, corrOf, refused, textIn } from './talk.ts'
import type { Parties } from './talk.ts'

const MESSAGE_TAG = 'omnigate/shared-message/1'
const { share_state, share_pull } = federationService.operations
const MOST_ASKED = 256
/** Far beyond what a node answers of one hub at once and in the time that it takes to send them. */
const MANY = 600
const BATCH = 20

type Members = Readonly<Record<string, unknown>>
type Stretch = readonly [from: number, to: number]

/** What a runner grants that takes a share, or some topics of it. */
const takes = ({ id, prefix }: NamedShare, topics = [`${prefix}**`]) => ({
  treaty: {
    ...LEAST_TREATY,
    rows: [{ dir: 'in', relay: false, share: { id, name: 'conformance' }, topics }]
  }
})

const stateOf = (n: number, share: string): Step => ({ send: call(n, { op: 'share_state', share }) })

const pullOf = (n: number, share: string, origin: string, numbers: readonly Stretch[], series = 1): Step => ({
  send: call(n, { op: 'share_pull', share, origin, series, numbers })
})

/** Where the node's own newest series of a share stands. */
class Standing {
  series = 1
  last = 0
  top: string | undefined

  /** At call n. */
  asked(n: number, share: string, talk: Talk): Step[] {
    return [
      { send_after: () => call(n, { op: 'share_state', share }) },
      {
        expect_such: {
          corr_id: corrOf(n),
          words: "a row of the node's own series, in the order of origins and series",
          fault: frames => this.#take(frames, talk.theirHub)
        }
      }
    ]
  }

  /** The last of its messages, at call n. */
  pulled(n: number, share: string, talk: Talk): Step {
    return {
      send_after: () =>
        call(n, {
          op: 'share_pull',
          share,
          origin: talk.theirHub,
          series: this.series,
          numbers: [[this.last, this.last]]
        })
    }
  }

  #take(frames: readonly DecodedFrame[], hub: string): string | undefined {
    const { rows } = share_state.answer.decode(payloadOf(frames))
    const names = rows.map(({ origin, series }) => `${origin} ${String(series).padStart(16, '0')}`)
    if (names.join() !== names.toSorted().join()) return 'rows in another order'
    const own = rows.findLast(({ origin }) => origin === hub)
    if (own === undefined || own.last < own.first) return 'no message of the node'
    Object.assign(this, { series: own.series, last: own.last, top: own.top })
    return own.top === undefined ? 'a last number without its id' : undefined
  }
}

/** What a node tells of shared topics, whatever share a hub names: federation-shares.md, section 5. */
export const unsharedCases = (share: OpenShare): readonly FederationCase[] => [
  {
    id: 'link-share-unknown',
    about:
      'a share that nobody has, one that the node sends nothing of and one that the caller does not take are told alike: 403 not_shared',
    steps: parties => {
      const talk = new Talk(parties)
      const heard: string[] = []
      const others = [
        'f'.repeat(32),
        share.id,
        ...(share.out ? [share.out.id] : []),
        ...(share.both ? [share.both.id] : [])
      ]
      const calls = others.flatMap(id => [
        (n: number) => stateOf(n, id),
        (n: number) => pullOf(n, id, newHub().id, [[1, 1]])
      ])
      return [...talk.all(), ...calls.flatMap((send, at) => [send(3 + at), toldAlike(3 + at, heard)])]
    }
  },
  {
    id: 'link-share-form',
    about: 'a share or a stretch of another form, or more than 64 stretches, is 400 bad_request',
    steps: parties => {
      const pull = (numbers: unknown) => ({
        op: 'share_pull',
        share: share.id,
        origin: newHub().id,
        series: 1,
        numbers
      })
      const wrong: readonly Members[] = [
        { op: 'share_state', share: 'F'.repeat(32) },
        { op: 'share_state', share: share.id, after: { origin: newHub().id } },
        pull([]),
        pull([[1]]),
        pull([[0, 1]]),
        pull(Array.from({ length: 65 }, (_, n) => [2 * n + 1, 2 * n + 1]))
      ]
      return [
        ...new Talk(parties).all(),
        ...wrong.flatMap((header, at): Step[] => [
          { send: call(3 + at, header) },
          refused(3 + at, 400, 'bad_request')
        ])
      ]
    }
  }
]

/** The last of them: for some seconds the node answers nothing about shares then. */
export const FLOOD_CASES: readonly FederationCase[] = [
  {
    id: 'link-share-many',
    about: 'more questions about shares than a hub may ask at once are 429 quota_peer, and the link stays',
    steps: parties => [
      ...new Talk(parties).all(),
      ...asked(MANY, call(0, { op: 'share_state', share: 'f'.repeat(32) })),
      { open: true },
      { send: call(3, { op: 'probe' }) },
      { expect: { corr_id: corrOf(3), code: 0 } }
    ]
  }
]

/** The same call so often, no more at once than a node may ask for (OAP/1, section 7); the last is one too many. */
function asked(count: number, frame: VectorFrame): Step[] {
  const ends = Array.from({ length: count / BATCH }, (_, n) => 3 + (n + 1) * BATCH)
  return ends.flatMap(end => [
    { send_each: { from: end + 1 - BATCH, to: end, frame } },
    end === ends.at(-1) ? refused(end, 429, 'quota_peer') : { expect: { corr_id: corrOf(end) } }
  ])
}

/** The same where there is a share that goes both ways: what the runner sends to the node is a message of it. */
export function pullCases(share: NamedShare): readonly FederationCase[] {
  const { id, prefix } = share
  const linked = (parties: Parties, topics?: string[]): { talk: Talk; steps: Step[] } => {
    const talk = new Talk(parties)
    const steps = [
      ...talk.all(1, { facts: takes(share, topics) }),
      { send: messageFrame(3, `${prefix}x`) },
      stored(3)
    ]
    return { talk, steps }
  }
  return [
    {
      id: 'link-share-pull',
      about:
        'a message of the share is given with its body and a statement that its origin signed, under its federated id',
      steps: parties => {
        const { talk, steps } = linked(parties)
        const standing = new Standing()
        const keys = new TheirKeys()
        return [
          ...steps,
          ...keys.asked(4),
          ...standing.asked(5, id, talk),
          standing.pulled(6, id, talk),
          {
            expect_such: {
              corr_id: corrOf(6),
              words: 'the message with its statement',
              fault: frames => messageFault(frames, { standing, share: id, keys, hub: talk.theirHub })
            }
          }
        ]
      }
    },
    {
      id: 'link-share-withheld',
      about: 'a message of a topic that the caller does not take is withheld, and its number is told',
      steps: parties => {
        const { talk, steps } = linked(parties, [`${prefix}other/**`])
        const standing = new Standing()
        return [
          ...steps,
          ...standing.asked(4, id, talk),
          standing.pulled(5, id, talk),
          {
            expect_such: {
              corr_id: corrOf(5),
              words: 'its number among those that are withheld, and no item',
              fault: frames => {
                const { withheld, items } = share_pull.answer.decode(payloadOf(frames))
                if (items.length > 0) return 'an item'
                const wanted = canonical([[standing.last, standing.last]])
                return canonical(withheld) === wanted ? undefined : canonical(withheld)
              }
            }
          }
        ]
      }
    },
    {
      id: 'link-share-stretches',
      about:
        'more than 256 numbers, or stretches that do not ascend, are 400 bad_request; a series that there is not has nothing',
      steps: parties => {
        const { talk, steps } = linked(parties)
        const ask = (n: number, numbers: readonly Stretch[]): Step => ({
          send_after: () =>
            call(n, { op: 'share_pull', share: id, origin: talk.theirHub, series: 1, numbers })
        })
        return [
          ...steps,
          ask(4, [[1, MOST_ASKED + 1]]),
          refused(4, 400, 'bad_request'),
          ask(5, [
            [5, 6],
            [1, 2]
          ]),
          refused(5, 400, 'bad_request'),
          ask(6, [
            [1, 2],
            [2, 3]
          ]),
          refused(6, 400, 'bad_request'),
          ask(7, [[1, MOST_ASKED]]),
          {
            expect_such: {
              corr_id: corrOf(7),
              words: 'nothing',
              fault: frames => {
                const { withheld, items } = share_pull.answer.decode(payloadOf(frames))
                return withheld.length + items.length === 0 ? undefined : 'something'
              }
            }
          }
        ]
      }
    }
  ]
}

interface Wanted {
  readonly standing: Standing
  readonly share: string
  readonly keys: TheirKeys
  readonly hub: string
}

function messageFault(
  frames: readonly DecodedFrame[],
  { standing, share, keys, hub }: Wanted
): string | undefined {
  const [item] = share_pull.answer.decode(payloadOf(frames)).items
  if (item === undefined) return 'no message'
  const bytes = Buffer.from(item.body ?? [])
  const [line, body] = [bytes.toString('utf8', 0, item.line), bytes.subarray(item.line)]
  const { statement } = parseJson(Buffer.from(line)) as { statement: Members }
  const wanted: Members = {
    body_sha256: sha256Hex(body),
    bytes: body.length,
    number: standing.last,
    series: standing.series,
    share
  }
  const other = Object.keys(wanted).find(name => statement[name] !== wanted[name])
  if (other !== undefined) return `${other}: ${JSON.stringify(statement[other])}`
  if (body.toString('hex') !== BODY) return 'another body'
  if (sha256Hex(canonical(statement)) !== standing.top) return 'another federated id'
  return keys.lineFault(line, { tag: MESSAGE_TAG, role: 'message', hub })
}

/** Nothing in the refusal says whether there is such a share. */
const toldAlike = (n: number, heard: string[]): Step => ({
  expect_such: {
    corr_id: corrOf(n),
    words: '403 not_shared, told like the others',
    isError: true,
    fault: ([frame]) => {
      const { corr_id: _corr, ...error } = parseJson(frame!.payload)
      heard.push(canonical(error))
      if (frame!.code !== 403 || error['code'] !== 'not_shared')
        return `${frame!.code} ${textIn(error, 'code')}`
      return heard.every(one => one === heard[0]) ? undefined : `not what came before: ${heard[0]}`
    }
  }
})
