import { parseJson } from '../../../protocols/index.ts'
import type { Step } from '../vectors.ts'
import { MALFORMED, OTHER_PEER, UNKNOWN, lengthened } from './federation-case.ts'
import type { FederationCase, Told } from './federation-case.ts'
import { newHub } from './keys.ts'
import { LEAST_TREATY, Talk, call, corrOf, hex, refused, textIn } from './talk.ts'
import type { Parties, ProofChange } from './talk.ts'

const PROOF_BYTES = 65_536
/** Longer than a responder waits for a proof. */
const STALLED_MS = 5600

/** A proof of a hub that nobody allows, wrong before anything of that hub is looked at. */
const proofRefused = (
  id: string,
  about: string,
  [status, code]: Told,
  change: (parties: Parties) => ProofChange
): FederationCase => ({
  id: `handshake-proof-${id}`,
  about,
  steps: parties => {
    const talk = new Talk(parties)
    const wrong = { hub: newHub(), ...change(parties) }
    return [talk.hello(), talk.challenged(), talk.proof(2, wrong), refused(2, status, code)]
  }
})

/** Calls that are for links alone, each in its form, with the body that it takes. */
const linkCalls = (
  hub: string
): readonly (readonly [header: Readonly<Record<string, unknown>>, body?: string])[] => {
  const [root, share] = ['0'.repeat(64), '0'.repeat(32)]
  return [
    [{ op: 'keys', from: 0 }],
    [{ op: 'new_keys' }, ''],
    [{ op: 'share_state', share }],
    [{ op: 'share_pull', share, origin: hub, series: 1, numbers: [[1, 1]] }],
    [{ op: 'deliver', statement: '{}' }, 'body'],
    [{ op: 'snapshot' }],
    [{ op: 'witness', old_root: root, delegation: '{}' }, 'old 0'],
    [{ op: 'head', hub, delegation: '{}' }, 'note'],
    [{ op: 'log_proof', from: 1, to: 1 }],
    [{ op: 'equivocation' }, '{}']
  ]
}

/** How a node answers what comes behind a hello, and what only links may call: no hub of the runner need be known to it. */
export const PROOF_CASES: readonly FederationCase[] = [
  {
    id: 'handshake-proof-first',
    about: 'a proof before any hello is 409 out_of_order',
    steps: () => [prove(1, Buffer.from('{}')), refused(1, 409, 'out_of_order')]
  },
  {
    id: 'handshake-proof-late',
    about: 'a proof that comes 5 s after the challenge comes too late, whatever it says: 408 or 409',
    slow_ms: STALLED_MS,
    steps: parties => {
      const talk = new Talk(parties)
      return [
        talk.hello(),
        talk.challenged(),
        { wait_ms: STALLED_MS },
        talk.proof(),
        {
          expect_such: {
            corr_id: corrOf(2),
            words: 'stalled, or out_of_order',
            isError: true,
            fault: ([frame]) => {
              const told = textIn(parseJson(frame!.payload), 'code')
              return ['stalled', 'out_of_order'].includes(told) ? undefined : told
            }
          }
        }
      ]
    }
  },
  proofRefused('garbage', 'a proof that is no JSON is 400 malformed', MALFORMED, () => ({
    body: () => Buffer.from('no proof at all')
  })),
  proofRefused('long', 'a proof of 65,537 bytes is 400 malformed', MALFORMED, () => ({
    body: lengthened(PROOF_BYTES + 1)
  })),
  proofRefused(
    'no-delegation',
    "an initiator's proof without its delegation is 400 malformed",
    MALFORMED,
    () => ({
      members: { delegation: undefined }
    })
  ),
  proofRefused('no-facts', 'a proof for a link without facts is 400 malformed', MALFORMED, () => ({
    members: { facts: undefined }
  })),
  proofRefused(
    'other-purpose',
    'a proof for a pairing in the call for a link is 400 malformed',
    MALFORMED,
    () => ({
      members: { facts: undefined, purpose: 'pair' }
    })
  ),
  proofRefused('other-role', 'a delegation of another role than link is 400 malformed', MALFORMED, () => ({
    statement: { role: 'message', key: hex(32), peer_id: undefined }
  })),
  proofRefused(
    'delegation-member',
    'a delegation with a member that its kind does not have is 400 malformed',
    MALFORMED,
    () => ({
      statement: { more: 1 }
    })
  ),
  proofRefused('hub-id-capitals', 'a hub id in another writing is 400 malformed', MALFORMED, () => {
    const hub = newHub()
    return { hub, statement: { hub: hub.id.toUpperCase() } }
  }),
  proofRefused(
    'hub-id-weak',
    'a hub id whose key is a point of small order is 400 malformed',
    MALFORMED,
    () => ({
      statement: { hub: `h1${'a'.repeat(52)}` }
    })
  ),
  proofRefused('share-twice', 'a treaty with two rows of one share is 400 malformed', MALFORMED, () => {
    const row = { dir: 'in', relay: false, share: { id: hex(16), name: 'one' }, topics: ['a'] }
    return {
      facts: { treaty: { ...LEAST_TREATY, rows: [row, { ...row, share: { ...row.share, name: 'two' } }] } }
    }
  }),
  proofRefused(
    'reflected',
    'a proof in the role of the responder is 403 reflected',
    [403, 'reflected'],
    () => ({
      members: { delegation: undefined, role: 'responder' }
    })
  ),
  proofRefused('relayed', 'a proof to another peer is 403 relayed', [403, 'relayed'], () => ({
    members: { to: OTHER_PEER }
  })),
  proofRefused(
    'other-nonces',
    'a proof with a nonce of another handshake is 403 replayed',
    [403, 'replayed'],
    () => ({
      nonces: { responder: hex(32) }
    })
  ),
  proofRefused(
    'unknown-extension',
    'an extension that must be known is 400 unknown_extension',
    [400, 'unknown_extension'],
    () => ({
      members: { must: ['no-such-extension'] }
    })
  ),
  proofRefused('stranger', 'a hub that is not allowed is 403 not_allowlisted', UNKNOWN, () => ({})),
  {
    id: 'handshake-no-link',
    about: 'probe, treaty and leave on a connection that is no link are 403 not_allowlisted',
    steps: () => [
      { send: call(1, { op: 'probe' }) },
      refused(1, ...UNKNOWN),
      { send: call(2, { op: 'treaty' }, Buffer.from('{}')) },
      refused(2, ...UNKNOWN),
      { send: call(3, { op: 'leave', reason: 'stopping' }) },
      refused(3, ...UNKNOWN)
    ]
  },
  {
    id: 'handshake-no-link-calls',
    about:
      'what only linked hubs may ask of shares, messages, snapshots, logs and proofs is 403 not_allowlisted',
    steps: ({ hub }) =>
      linkCalls(hub.id).flatMap(([header, body], at): Step[] => [
        { send: call(1 + at, header, body === undefined ? undefined : Buffer.from(body)) },
        refused(1 + at, ...UNKNOWN)
      ])
  }
]

/** While no invite is open. */
export const CLOSED_CASES: readonly FederationCase[] = [
  {
    id: 'handshake-pair-without-invite',
    about: 'while no invite is open, pair is 403 not_allowlisted, whatever it brings',
    steps: parties => {
      const talk = new Talk(parties)
      return [
        talk.hello(),
        talk.challenged(),
        pair(2, Buffer.from('no proof at all')),
        refused(2, ...UNKNOWN)
      ]
    }
  }
]

const prove = (n: number, body: Uint8Array): Step => ({
  send: call(n, { op: 'prove', signature: hex(64) }, body)
})

const pair = (n: number, body: Uint8Array): Step => ({
  send: call(n, { op: 'pair', signature: hex(64), mac: hex(32) }, body)
})
