import { parseJson } from '../../../protocols/index.ts'
import type { VectorFrame } from '../../../specs/index.ts'
import type { Step } from '../vectors.ts'
import { canonical } from './canonical.ts'
import { TOPIC_OF_NOBODY } from './asked.ts'
import { nowS } from './exchanging.ts'
import type { FederationCase } from './federation-case.ts'
import type { OpenShare } from './grant-cases.ts'
import { messageKeys } from './home-answers.ts'
import { newHub } from './keys.ts'
import { TheirKeys, payloadOf, runnerKey, sha256Hex, signedLine } from './signing.ts'
import type { RunnerKey } from './signing.ts'
import { Talk, call, corrOf, hex, textIn } from './talk.ts'
import type { Parties } from './talk.ts'

const MESSAGE_TAG = 'omnigate/directed-message/1'
const RECEIPT_TAG = 'omnigate/directed-receipt/1'
const STATEMENT_CHARS = 28_672
const LIFE_S = 600
/** Twice what the clocks of two hubs may differ by. */
const FAR_S = 120
/** Longer than any window. */
const AGES_S = 400 * 86_400
const READY_CORRS = [101, 102, 103]
const BODY = Buffer.from('conformance')

type Members = Readonly<Record<string, unknown>>

/** How a message is to be wrong. */
interface Change {
  readonly statement?: Members
  readonly by?: RunnerKey
  /** Signs in the place of that key. */
  readonly signing?: RunnerKey
  readonly body?: Uint8Array
  readonly line?: (line: string) => string
}

/** A link over which the runner's hub sends messages to the node's. @see specs/federation-directed.md */
class Delivering {
  readonly talk: Talk
  readonly keys = new TheirKeys()
  readonly #parties: Parties
  readonly #share: OpenShare
  #line = ''

  constructor(parties: Parties, share: OpenShare) {
    this.#parties = parties
    this.#share = share
    this.talk = new Talk(parties)
  }

  /** The link. A node takes no message over it before it has read the keys of the runner's hub, and waits for them. */
  linked(): Step[] {
    const asked = READY_CORRS.flatMap((n): Step[] => [
      { send: call(n, { op: 'deliver', statement: '{}' }, BODY) },
      { expect_such: { corr_id: corrOf(n), words: 'a refusal', isError: true, fault: () => undefined } }
    ])
    return [...this.talk.all(), ...asked]
  }

  sends(n: number, change: () => Change = () => ({})): Step {
    return { send_after: () => this.#call(n, change()) }
  }

  /** The line that was sent last, once more, also with another body. */
  again(n: number, body: Uint8Array = BODY): Step {
    return { send_after: () => call(n, { op: 'deliver', statement: this.#line }, body) }
  }

  /** A refusal, with the code and whether another attempt is of use. */
  refused(n: number, status: number, code: string, retryable = false): Step {
    return {
      expect_such: {
        corr_id: corrOf(n),
        words: `${status} ${code}`,
        isError: true,
        fault: ([frame]) => {
          const error = parseJson(frame!.payload)
          if (frame!.code !== status || error['code'] !== code)
            return `${frame!.code} ${textIn(error, 'code')}`
          return error['retryable'] === retryable
            ? undefined
            : `retryable ${JSON.stringify(error['retryable'])}`
        }
      }
    }
  }

  /** A receipt for the line that was sent last; the same text as those that were heard before. With keys its signature is looked at. */
  receipt(n: number, heard: string[], keys?: TheirKeys): Step {
    return {
      expect_such: {
        corr_id: corrOf(n),
        words: 'a receipt of the hub, the same each time',
        fault: frames => {
          const receipt = textIn(parseJson(payloadOf(frames)), 'receipt')
          heard.push(receipt)
          return receipt === heard[0]
            ? this.#receiptFault(receipt, keys)
            : `not what came before: ${heard[0]}`
        }
      }
    }
  }

  #receiptFault(receipt: string, keys: TheirKeys | undefined): string | undefined {
    const hub = this.talk.theirHub
    const { statement } = parseJson(Buffer.from(receipt)) as { statement: Members }
    const { statement: sent } = parseJson(Buffer.from(this.#line)) as { statement: Members }
    const wanted: Members = {
      body_sha256: sha256Hex(BODY),
      id: sha256Hex(canonical(sent)),
      origin: this.#parties.hub.id,
      share: this.#share.id
    }
    const other = Object.keys(wanted).find(name => statement[name] !== wanted[name])
    if (other !== undefined) return `${other}: ${textIn(statement, other)}`
    if (!['stored', 'quarantined'].includes(textIn(statement, 'state')))
      return `state: ${textIn(statement, 'state')}`
    return keys?.lineFault(receipt, { tag: RECEIPT_TAG, role: 'receipt', hub })
  }

  #call(
    n: number,
    {
      statement: changes,
      by = messageKeys(this.#parties.hub).good,
      signing = by,
      body = BODY,
      line = one => one
    }: Change
  ) {
    const at = nowS()
    const statement = {
      at,
      body_bytes: BODY.length,
      body_sha256: sha256Hex(BODY),
      epoch: 1,
      expires: at + LIFE_S,
      hub: this.#parties.hub.id,
      key: by.hex,
      nonce: hex(16),
      priority: 4,
      share: this.#share.id,
      to: this.talk.theirHub,
      topic: `${this.#share.prefix}x`,
      ...changes
    }
    this.#line = line(signedLine(signing.key, MESSAGE_TAG, statement))
    return call(n, { op: 'deliver', statement: this.#line }, body) satisfies VectorFrame
  }
}

/** What a node does with messages for its hub: federation-directed.md, section 3. */
export function deliverCases(share: OpenShare): readonly FederationCase[] {
  type Refusal = readonly [change: () => Change, status: number, code: string, retryable?: boolean]
  const refusals = (id: string, about: string, each: readonly Refusal[]): FederationCase => ({
    id: `link-deliver-${id}`,
    about,
    steps: parties => {
      const link = new Delivering(parties, share)
      return [
        ...link.linked(),
        ...each.flatMap(([change, ...told], at) => [
          link.sends(3 + at, change),
          link.refused(3 + at, ...told)
        ])
      ]
    }
  })
  const stranger = (): RunnerKey => runnerKey(newHub(), 'message', 'conformance')
  const ago = (seconds: number) => () => {
    const at = nowS() - seconds
    return { statement: { at, expires: at + LIFE_S } }
  }

  return [
    {
      id: 'link-deliver',
      about:
        'a message is answered with a receipt that fits, and with the same one however often it comes, whatever comes with it',
      steps: parties => {
        const link = new Delivering(parties, share)
        const heard: string[] = []
        return [
          ...link.linked(),
          link.sends(3),
          link.receipt(3, heard),
          // A node may have made the key that signs receipts for the first of them.
          ...link.keys.asked(4),
          link.again(5),
          link.receipt(5, heard, link.keys),
          link.again(6, Buffer.from('another body')),
          link.receipt(6, heard, link.keys)
        ]
      }
    },
    refusals('form', 'what is no line of a message is 400 malformed, a line that is too long 413 oversize', [
      [() => ({ line: () => '{}' }), 400, 'malformed'],
      [() => ({ line: line => `${line} ` }), 400, 'malformed'],
      [() => ({ line: line => line.slice(0, -1) }), 400, 'malformed'],
      [() => ({ statement: { zzz: 1 } }), 400, 'malformed'],
      [() => ({ statement: { priority: 10 } }), 400, 'malformed'],
      [() => ({ statement: { expires: 1 } }), 400, 'malformed'],
      [() => ({ line: line => line.padEnd(STATEMENT_CHARS + 1, 'z') }), 413, 'oversize']
    ]),
    refusals(
      'misled',
      'a message for another hub is 400 wrong_recipient, one of another hub 400 wrong_origin',
      [
        [() => ({ statement: { to: newHub().id } }), 400, 'wrong_recipient'],
        [() => ({ statement: { hub: newHub().id } }), 400, 'wrong_origin']
      ]
    ),
    refusals('elsewhere', 'a share, a topic or a way that the treaty does not have is 403 not_shared', [
      [() => ({ statement: { share: 'f'.repeat(32) } }), 403, 'not_shared'],
      [() => ({ statement: { topic: TOPIC_OF_NOBODY } }), 403, 'not_shared'],
      ...[share.out, share.gone].flatMap((other): Refusal[] =>
        other === undefined
          ? []
          : [[() => ({ statement: { share: other.id, topic: `${other.prefix}x` } }), 403, 'not_shared']]
      )
    ]),
    refusals(
      'time',
      'a message from ahead is 400 future, one of long ago 400 stale, one that is over 400 expired',
      [
        [ago(-FAR_S), 400, 'future', true],
        [ago(AGES_S), 400, 'stale'],
        [() => ({ statement: { at: nowS() - 2, expires: nowS() - 1 } }), 400, 'expired']
      ]
    ),
    refusals('body', 'a body that is cut short, longer or another one is 400 body_mismatch', [
      [() => ({ body: BODY.subarray(1) }), 400, 'body_mismatch'],
      [() => ({ body: Buffer.concat([BODY, BODY]) }), 400, 'body_mismatch'],
      [() => ({ body: Buffer.from(BODY).reverse() }), 400, 'body_mismatch']
    ]),
    {
      id: 'link-deliver-keys',
      about:
        'a key that the hub has not delegated is 400 unknown_key, one that is over key_time, one that is revoked key_revoked; a signature that does not fit is bad_signature',
      steps: parties => {
        const link = new Delivering(parties, share)
        return [
          ...link.linked(),
          link.sends(4, () => ({ by: stranger() })),
          link.refused(4, 400, 'unknown_key', true),
          link.sends(5, () => ({ statement: { epoch: 2 } })),
          link.refused(5, 400, 'unknown_key', true),
          link.sends(6, () => ({ by: messageKeys(parties.hub).past })),
          link.refused(6, 400, 'key_time'),
          link.sends(7, () => ({ by: messageKeys(parties.hub).revoked })),
          link.refused(7, 400, 'key_revoked'),
          link.sends(8, () => ({ signing: stranger() })),
          link.refused(8, 400, 'bad_signature')
        ]
      }
    }
  ]
}
