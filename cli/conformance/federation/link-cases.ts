import { parseJson } from '../../../protocols/index.ts'
import type { Step } from '../vectors.ts'
import { UNKNOWN } from './federation-case.ts'
import type { FederationCase, Told } from './federation-case.ts'
import { newHub } from './keys.ts'
import { LEAST_TREATY, Talk, answered, call, corrOf, hex, refused } from './talk.ts'
import type { Parties, ProofChange } from './talk.ts'

const PAST_S = 3600
const GRANT_BYTES = 49_152

const probed = (n: number): readonly Step[] => [
  { send: call(n, { op: 'probe' }) },
  {
    expect_such: {
      corr_id: corrOf(n),
      words: 'its time and the seq of its revocation list',
      fault: ([frame]) => {
        const { time, revocation_seq: seq } = parseJson(frame!.payload)
        return Number.isSafeInteger(time) && Number.isSafeInteger(seq) ? undefined : String(frame!.payload)
      }
    }
  }
]

/** A proof of the hub that the node allows, which it refuses so. */
const linkRefused = (
  id: string,
  about: string,
  [status, code]: Told,
  change: (parties: Parties) => ProofChange
): FederationCase => ({
  id: `link-${id}`,
  about,
  steps: parties => [
    ...tried(new Talk(parties), change(parties)),
    refused(2, status, code),
    { send: call(3, { op: 'probe' }) },
    refused(3, 403, 'not_allowlisted')
  ]
})

const tried = (talk: Talk, change: ProofChange): Step[] => [
  talk.hello(),
  talk.challenged(),
  talk.proof(2, change)
]

const EXPIRED_DELEGATION: Told = [403, 'expired_delegation']
const otherKey = () => newHub().key

/** What a node says to the hub of the runner, which it allows. They are played one after the other: there is one link. */
export const LINK_CASES: readonly FederationCase[] = [
  {
    id: 'link-handshake',
    about: 'a hub that is allowed and proves itself is answered with a proof that fits, and is linked',
    steps: parties => [...new Talk(parties).all(), ...probed(3)]
  },
  {
    id: 'link-unknown-member',
    about: 'members of a proof that nobody knows are passed over',
    steps: parties => [...new Talk(parties).all(1, { members: { zzz: 1 }, facts: { zzz: [] } }), ...probed(3)]
  },
  {
    id: 'link-clock-behind',
    about: 'a hub whose clock is an hour behind is linked',
    steps: parties => [...new Talk(parties, { time: parties.nowS - PAST_S }).all(), ...probed(3)]
  },
  linkRefused(
    'wrong-signature',
    'a signature by another key is told as 403 not_allowlisted, and nothing comes of it',
    UNKNOWN,
    () => ({
      signing: otherKey()
    })
  ),
  linkRefused(
    'delegation-by-another',
    'a delegation that the hub did not sign is told as 403 not_allowlisted',
    UNKNOWN,
    () => ({
      delegating: otherKey()
    })
  ),
  linkRefused(
    'delegation-for-another',
    'a delegation for another peer than the channel proved is told as 403 not_allowlisted',
    UNKNOWN,
    ({ node }) => ({ statement: { peer_id: node } })
  ),
  linkRefused(
    'delegation-over',
    'a delegation that has ended is 403 expired_delegation',
    EXPIRED_DELEGATION,
    ({ nowS }) => ({
      statement: { not_after: nowS - PAST_S }
    })
  ),
  linkRefused(
    'delegation-to-come',
    'a delegation that has not begun is 403 expired_delegation',
    EXPIRED_DELEGATION,
    ({ nowS }) => ({
      statement: { not_before: nowS + PAST_S }
    })
  ),
  linkRefused(
    'treaty-over',
    'a hub whose own treaty has expired is 403 expired_treaty',
    [403, 'expired_treaty'],
    ({ nowS }) => ({
      facts: { treaty: { ...LEAST_TREATY, expires: nowS - PAST_S } }
    })
  ),
  linkRefused(
    'treaty-long',
    'a treaty of more than 49,152 bytes is 400 malformed',
    [400, 'malformed'],
    () => ({
      facts: { treaty: { ...LEAST_TREATY, zzz: 'z'.repeat(GRANT_BYTES) } }
    })
  ),
  {
    id: 'link-told-alike',
    about:
      'a hub that is unknown, one whose delegation is forged and one that signs with another key are told the same, to the byte',
    steps: parties => {
      const heard: string[] = []
      const listen: Step = {
        expect_such: {
          corr_id: corrOf(2),
          words: 'a refusal that is told like the others',
          isError: true,
          fault: ([frame]) => {
            heard.push(String(frame!.payload))
            const error = parseJson(frame!.payload)
            if (error['code'] !== 'not_allowlisted' || 'reason' in error) return 'another refusal'
            return heard.every(one => one === heard[0]) ? undefined : `not what came before: ${heard[0]}`
          }
        }
      }
      const wrong = (change: ProofChange): Step[] => [...tried(new Talk(parties), change), listen]
      return [
        ...wrong({ hub: newHub() }),
        { connect: true },
        ...wrong({ delegating: otherKey() }),
        { connect: true },
        ...wrong({ signing: otherKey() })
      ]
    }
  },
  {
    id: 'link-second-handshake',
    about: 'a hello or a proof behind a handshake that is over is refused, and the link stays',
    steps: parties => [
      ...new Talk(parties).all(),
      new Talk(parties).hello(3),
      refused(3, 409, 'second_handshake'),
      { send: call(4, { op: 'prove', signature: hex(64) }, Buffer.from('{}')) },
      refused(4, 409, 'out_of_order'),
      ...probed(5)
    ]
  },
  {
    id: 'link-replaced',
    about: 'a second link of one node takes the place of the first, which ends',
    steps: parties => [
      ...new Talk(parties).all(),
      { connect: true },
      ...new Talk(parties).all(),
      ...probed(3),
      { use: 0 },
      { expect: 'close' }
    ]
  },
  {
    id: 'link-leave',
    about: 'leave is answered, and the connection ends',
    steps: parties => [
      ...new Talk(parties).all(),
      { send: call(3, { op: 'leave', reason: 'stopping' }) },
      answered(3),
      { expect: 'close' }
    ]
  },
  {
    id: 'link-treaty',
    about: 'a treaty that the hub has edited is taken; what is none is 400 bad_request',
    steps: parties => [
      ...new Talk(parties).all(),
      { send: call(3, { op: 'treaty' }, Buffer.from(JSON.stringify(LEAST_TREATY))) },
      answered(3),
      { send: call(4, { op: 'treaty' }, Buffer.from('{"rows":1}')) },
      refused(4, 400, 'bad_request'),
      ...probed(5)
    ]
  }
]
