import { createHash } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { decodeRecord } from '../../../protocols/index.ts'
import type { Step } from '../vectors.ts'
import { canonical } from './canonical.ts'
import type { FederationCase } from './federation-case.ts'
import { signedValue } from './home-list.ts'
import { isSigned, newHub, publicBytes, signed } from './keys.ts'
import type { RunnerHub } from './keys.ts'
import { TheirKeys, derivedKey, payloadOf, sha256, signedLine } from './signing.ts'
import { LEAST_TREATY, Talk, call, corrOf, refused } from './talk.ts'
import type { Parties } from './talk.ts'

const MADE_AT = 1_700_000_000
const LATEST = 8_640_000_000_000
const DASH = '\u2014'
const HEAD_BYTES = 1024
const COSIGNED = 0x04
const LAST = 2 ** 53 - 1

/** How what a log asks of a witness is to be wrong. */
interface Change {
  readonly old?: number
  readonly size?: number
  readonly hashes?: readonly Buffer[]
  readonly delegation?: string
  readonly signing?: KeyObject
  /** Behind the root, as extension lines. */
  readonly more?: string
  readonly body?: (body: string) => string
}

/**
 * An audit log of the runner's hub with three entries, the same in every run: a witness never forgets a log.
 * @see specs/audit.md, sections 3 to 6
 */
class RunnerLog {
  readonly origin: string
  readonly delegation: string
  readonly #key: KeyObject
  readonly #leaves = ['one', 'two', 'three'].map(entry =>
    sha256(Buffer.concat([Buffer.of(0), Buffer.from(entry)]))
  )

  constructor(hub: RunnerHub) {
    this.#key = derivedKey(hub, 'log')
    this.origin = `${hub.id}/conformance/${'0'.repeat(15)}1`
    this.delegation = this.delegatedBy(hub)
  }

  delegatedBy(hub: RunnerHub): string {
    const publicKey = publicBytes(this.#key)
    const key = `${this.origin}+${noteKeyId(this.origin, 1, publicKey).toString('hex')}+${Buffer.concat([Buffer.of(1), publicKey]).toString('base64')}`
    return canonical(
      signedValue(hub.key, 'omnigate/audit-log/1', { hub: hub.id, issued_s: MADE_AT, key, role: 'audit-log' })
    )
  }

  root(size: number): Buffer {
    const [one, two, three] = this.#leaves as [Buffer, Buffer, Buffer]
    return [sha256(''), one, node(one, two), node(node(one, two), three)][size]!
  }

  /** From one entry on to so many. */
  hashes(from: number, to: number): readonly Buffer[] {
    const [one, two, three] = this.#leaves as [Buffer, Buffer, Buffer]
    if (from === to) return []
    if (from === 2) return [three]
    return to === 2 ? [two] : [one, two, three].slice(1)
  }

  checkpoint(
    size: number,
    { signing = this.#key, more = '' }: Pick<Change, 'signing' | 'more'> = {}
  ): string {
    const text = `${this.origin}\n${size}\n${this.root(size).toString('base64')}\n${more}`
    const id = noteKeyId(this.origin, 1, publicBytes(this.#key))
    const line = Buffer.concat([id, signed(signing, text)]).toString('base64')
    return `${text}\n${DASH} ${this.origin} ${line}\n`
  }

  asks(n: number, change: Change = {}): Step {
    const { old = 1, size = 2, delegation = this.delegation, body = text => text } = change
    const hashes = change.hashes ?? this.hashes(old, size)
    const lines = hashes.map(hash => `${hash.toString('base64')}\n`).join('')
    const text = body(`old ${old}\n${lines}\n${this.checkpoint(size, change)}`)
    const header = { op: 'witness', old_root: this.root(old).toString('hex'), delegation }
    return { send: call(n, header, Buffer.from(text)) }
  }
}

const node = (left: Buffer, right: Buffer): Buffer => sha256(Buffer.concat([Buffer.of(1), left, right]))

const noteKeyId = (name: string, type: number, publicKey: Uint8Array): Buffer =>
  createHash('sha256').update(`${name}\n`).update(Buffer.of(type)).update(publicKey).digest().subarray(0, 4)

/** A call that is refused, for each change of what a log asks. */
const refusedFor = (
  id: string,
  about: string,
  [status, code]: readonly [number, string],
  changes: readonly ((parties: Parties) => Change)[]
): FederationCase => ({
  id: `link-witness-${id}`,
  about,
  steps: parties => {
    const log = new RunnerLog(parties.hub)
    return [
      ...new Talk(parties).all(),
      ...changes.flatMap((change, at) => [log.asks(3 + at, change(parties)), refused(3 + at, status, code)])
    ]
  }
})

/** What a node does as a witness: federation-witness.md, section 4. They leave it at two entries of the runner's log. */
export const WITNESS_CASES: readonly FederationCase[] = [
  {
    id: 'link-witness',
    about:
      'a checkpoint that goes on is cosigned by the key of a witness, at first sight and when it is asked again',
    steps: parties => {
      const log = new RunnerLog(parties.hub)
      const keys = new TheirKeys()
      return [
        ...new Talk(parties).all(),
        ...keys.asked(3),
        ...[4, 5].flatMap((n): Step[] => [
          log.asks(n),
          {
            expect_such: {
              corr_id: corrOf(n),
              words: 'a cosignature of this checkpoint',
              fault: frames => {
                const { header, body } = decodeRecord(payloadOf(frames))
                if (header['result'] !== 'cosigned' || header['size'] !== 2) return JSON.stringify(header)
                return cosignatureFault(Buffer.from(body).toString(), log.checkpoint(2), keys)
              }
            }
          }
        ])
      ]
    }
  },
  {
    id: 'link-witness-known',
    about: 'a log that asks from another size than the newest that was seen is told that size',
    steps: parties => [
      ...new Talk(parties).all(),
      new RunnerLog(parties.hub).asks(3, { old: 1, size: 3 }),
      {
        expect_such: {
          corr_id: corrOf(3),
          words: 'known, with size 2',
          fault: frames => {
            const { header } = decodeRecord(payloadOf(frames))
            return header['result'] === 'known' && header['size'] === 2 ? undefined : JSON.stringify(header)
          }
        }
      }
    ]
  },
  refusedFor(
    'consistency',
    'hashes that do not lead from what was seen to the checkpoint are 409 consistency',
    [409, 'consistency'],
    [() => ({ old: 2, size: 3, hashes: [sha256('another')] }), () => ({ old: 2, size: 3, hashes: [] })]
  ),
  refusedFor(
    'form',
    'a body of another form is 400 bad_request',
    [400, 'bad_request'],
    [() => ({ body: text => text.replace('old 1', 'old 01') }), () => ({ hashes: [Buffer.alloc(31)] })]
  ),
  refusedFor(
    'delegation',
    'a delegation that is not the word of the hub for the key of a log is 409 delegation',
    [409, 'delegation'],
    [({ hub }) => ({ delegation: new RunnerLog(hub).delegatedBy(newHub()) }), () => ({ delegation: '{}' })]
  ),
  refusedFor(
    'signature',
    'a checkpoint that the key of the log did not sign, or that is too long, is 409 signature',
    [409, 'signature'],
    [() => ({ signing: newHub().key }), () => ({ more: `${'z'.repeat(HEAD_BYTES)}\n` })]
  )
]

/** The same where the treaty does not have that duty. */
export const UNWITNESSED_CASES: readonly FederationCase[] = [
  refusedFor(
    'no-duty',
    'a log that this node does not witness is 403 cap_denied, and says witness',
    [403, 'cap_denied'],
    [() => ({})]
  )
]

function cosignatureFault(line: string, checkpoint: string, keys: TheirKeys): string | undefined {
  const [, name, encoded] =
    new RegExp(`^${DASH} (h1[a-z2-7]{52}/[a-z0-9-]+/witness) ([A-Za-z0-9+/=]+)\n$`).exec(line) ?? []
  if (name === undefined || encoded === undefined) return `another line: ${line}`
  const bytes = Buffer.from(encoded, 'base64')
  const [id, time, signature] = [bytes.subarray(0, 4), bytes.readBigUInt64BE(4), bytes.subarray(12)]
  const text = checkpoint.slice(0, checkpoint.indexOf('\n\n') + 1)
  const isIts = (key: Buffer): boolean =>
    noteKeyId(name, COSIGNED, key).equals(id) &&
    isSigned(key, signature, `cosignature/v1\ntime ${time}\n${text}`)
  return keys.of('witness').some(isIts) ? undefined : 'a signature by no key of the role witness'
}

interface Said {
  readonly v: number
  readonly hub: string
  readonly kind: string
  readonly lines: readonly string[]
}

/** Two delegations of one place, which a hub that nobody knows has signed. */
function saidTwice(hub: RunnerHub, epochs: readonly [number, number] = [1, 1]): Said {
  const place = { hub: hub.id, node: 'core', not_after: LATEST, not_before: MADE_AT, role: 'message' }
  const lines = epochs.map(epoch =>
    signedLine(hub.key, 'omnigate/delegation/1', {
      ...place,
      epoch,
      key: publicBytes(newHub().key).toString('hex')
    })
  )
  return { v: 1, hub: hub.id, kind: 'delegations', lines: lines.sort() }
}

const told = (n: number, proof: Said | string): Step => ({
  send: call(n, { op: 'equivocation' }, Buffer.from(typeof proof === 'string' ? proof : canonical(proof)))
})

/** What hubs tell each other of others: federation-witness.md, sections 4.4 to 6. */
export const WORD_CASES: readonly FederationCase[] = [
  {
    id: 'link-proof',
    about:
      'a proof that proves nothing is 400 with what is wrong; one against a hub that is not on the allowlist is ignored',
    steps: parties => {
      const hub = newHub()
      const proof = saidTwice(hub)
      const [first, second] = proof.lines as [string, string]
      const forged = first.replace(/"signature":"...../, '"signature":"AAAAA')
      const wrong: readonly (readonly [Said | string, string])[] = [
        ['', 'form'],
        [`${canonical(proof)} `, 'form'],
        [{ ...proof, v: 2 }, 'form'],
        [{ ...proof, kind: 'rumours' }, 'form'],
        [{ ...proof, lines: [second, first] }, 'order'],
        [{ ...proof, hub: newHub().id }, 'hub'],
        [saidTwice(hub, [1, 2]), 'place'],
        [{ ...proof, lines: [forged, second].sort() }, 'signature']
      ]
      return [
        ...new Talk(parties).all(),
        ...wrong.flatMap(([one, code], at) => [told(3 + at, one), refused(3 + at, 400, code)]),
        told(20, proof),
        { expect: { corr_id: corrOf(20), code: 0, json: { result: 'ignored' } } }
      ]
    }
  },
  {
    id: 'link-head',
    about:
      'a head that the log of its hub did not sign is 400 delegation or signature; of a hub that is not allowed none is looked at',
    steps: parties => {
      const log = new RunnerLog(parties.hub)
      const other = newHub()
      const head = (n: number, hub: RunnerHub, delegation: string, note: string): Step => ({
        send: call(n, { op: 'head', hub: hub.id, delegation }, Buffer.from(note))
      })
      return [
        ...new Talk(parties).all(),
        head(3, parties.hub, log.delegatedBy(other), log.checkpoint(2)),
        refused(3, 400, 'delegation'),
        head(4, parties.hub, log.delegation, log.checkpoint(2, { signing: other.key })),
        refused(4, 400, 'signature'),
        head(5, parties.hub, log.delegation, 'no note'),
        refused(5, 400, 'signature'),
        head(6, other, log.delegation, 'no note'),
        { expect: { flags: ['RESP', 'START', 'END'], corr_id: corrOf(6), code: 0 } }
      ]
    }
  },
  {
    id: 'link-log-proof',
    about:
      'how the log grew is for witnesses alone: 403 cap_denied, and says witness; beyond the log it is 404 not_found',
    steps: parties => {
      const asked = (n: number, from: number, to: number): Step => ({
        send: call(n, { op: 'log_proof', from, to })
      })
      return [
        ...new Talk(parties).all(),
        asked(3, 1, 1),
        { expect: { corr_id: corrOf(3), code: 403, reason: 'cap_denied', json: { reason: 'witness' } } },
        { connect: true },
        ...new Talk(parties).all(1, { facts: { treaty: { ...LEAST_TREATY, witness: true } } }),
        asked(3, 1, LAST),
        refused(3, 404, 'not_found')
      ]
    }
  }
]
