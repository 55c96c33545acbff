import {
  DIRECTED,
  DIRECTED_MESSAGE,
  DIRECTED_RECEIPT,
  DIRECTED_REFUSALS,
  addressRefusal,
  directedId,
  formatSigned,
  judgeFirst,
  parseSigned,
  rowFor,
  signStatement
} from '../../federation/index.ts'
import type {
  DelegationBook,
  DirectedRefusal,
  DirectedState,
  DirectedStatement,
  Signed,
  Treaty
} from '../../federation/index.ts'
import { OapError } from '../../protocols/index.ts'
import { signedAs } from '../identity/index.ts'
import type { NodeSigners } from '../identity/index.ts'
import { InTurn } from '../capabilities/in-turn.ts'
import type { Incoming, Mailbox } from '../mailbox/index.ts'
import type { Acceptance, ReleasedItem } from '../policy/index.ts'
import { seenBefore, seenIn, seenName, seenNote } from './ledger.ts'

export interface ArrivalsOptions {
  /** This hub. */
  readonly self: string
  /** @throws OapError `not_ready` while none is open */
  readonly mailbox: () => Pick<Mailbox, 'receive' | 'note' | 'keepNote' | 'forgetNotes'>
  /** Our treaty with a hub; undefined while it may not link. */
  readonly treatyOf: (hub: string) => Treaty | undefined
  readonly isTenant: (tenant: string) => boolean
  readonly bookOf: (hub: string) => DelegationBook
  readonly signers: Pick<NodeSigners, 'of'>
  readonly acceptance: Acceptance
  /** Unix seconds by the clock that cannot be set back. */
  readonly seconds: () => number
  /** Told of each message that came, and of each that came again. */
  readonly came: (what: DirectedState | 'repeated') => void
  /** Told of each message that is not taken; resolves once that is recorded, where it is. */
  readonly refused: (hub: string, code: DirectedRefusal, id: string | undefined) => Promise<void>
}

/** A message as it came over the link with `origin`. */
export interface Arrival {
  readonly origin: string
  readonly line: string
  readonly body: Uint8Array
}

/** Takes messages that other hubs send to this one. @see specs/federation-directed.md, section 3 */
export class Arrivals {
  readonly #o: ArrivalsOptions
  readonly #releases = new InTurn()

  constructor(options: ArrivalsOptions) {
    this.#o = options
    options.acceptance.onRelease('mailbox.directed', item => this.#releases.run(() => this.#release(item)))
  }

  /**
   * The line of the receipt, once the message would survive a power cut; the same for one that came before.
   * @throws OapError with a code of `DIRECTED_REFUSALS`; `mailbox_full`, `not_ready`; where it may come again
   * `not_allowlisted`, `cap_denied`, `quarantine_full`, `too_many_rejections`
   */
  async take(arrival: Arrival): Promise<string> {
    const { origin } = arrival
    const signed = await this.#read(arrival)
    const { statement } = signed
    const id = directedId(statement)
    const misled = addressRefusal(statement, { self: this.#o.self, origin })
    if (misled !== undefined) throw await this.#refusal(origin, misled, id)
    const box = this.#o.mailbox()
    const name = seenName(statement, id)
    const before = await box.note(name)
    if (before !== undefined) return this.#again(before)
    const { tenant, state } = await this.#judge(signed, id, arrival)
    const receipt = await this.#receipt(statement, id, state)
    const note = seenNote(name, { state, receipt }, true)
    const kept =
      state === 'stored'
        ? await box.receive({ ...incoming(statement, id, tenant, arrival.body), note })
        : await box.keepNote(note)
    if (kept.is === 'known') return this.#again(kept.value!)
    this.#o.came(state)
    return receipt
  }

  /** Forgets messages that could come no more an hour ago; for a timer. */
  async forget(): Promise<void> {
    await this.#o.mailbox().forgetNotes(...seenBefore(this.#o.seconds() - DIRECTED.rememberS))
  }

  #again(note: Uint8Array): string {
    this.#o.came('repeated')
    return seenIn(note).receipt
  }

  async #read({ origin, line, body }: Arrival): Promise<Signed<DirectedStatement>> {
    if (line.length > DIRECTED.statementChars || body.length > DIRECTED.bodyBytes)
      throw await this.#refusal(origin, 'oversize', undefined)
    try {
      return parseSigned(DIRECTED_MESSAGE, line)
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
      throw await this.#refusal(origin, 'malformed', undefined, error.message)
    }
  }

  /** Whose it is and what becomes of it. */
  async #judge(
    signed: Signed<DirectedStatement>,
    id: string,
    { origin, line, body }: Arrival
  ): Promise<{ readonly tenant: string; readonly state: DirectedState }> {
    const treaty = this.#o.treatyOf(origin)
    if (treaty === undefined) throw notNow('not_allowlisted')
    const book = this.#o.bookOf(origin)
    const judged = judgeFirst(signed, { body, treaty, book, nowS: this.#o.seconds() })
    if ('refusal' in judged) throw await this.#refusal(origin, judged.refusal, id)
    const { tenant } = judged.row
    if (!this.#o.isTenant(tenant)) throw await this.#refusal(origin, 'not_shared', id)
    const { share } = signed.statement
    const { verdict, reasons, retryAfterMs } = await this.#o.acceptance.take(
      { kind: 'mailbox.directed', origin, share, id, type: 'mailbox.message', bytes: body.length },
      { statement: Buffer.from(line), body }
    )
    if (verdict === 'accept') return { tenant, state: 'stored' }
    if (verdict === 'quarantine') return { tenant, state: 'quarantined' }
    if (retryAfterMs !== undefined) throw notNow(reasons[0], retryAfterMs)
    throw await this.#refusal(origin, 'policy', id, reasons.join(', '))
  }

  async #receipt(statement: DirectedStatement, id: string, state: DirectedState): Promise<string> {
    const signer = await this.#o.signers.of('receipt')
    if (signer === undefined)
      throw new OapError(
        'not_ready',
        'no key of this node may sign receipts: omnigate key delegate --role receipt'
      )
    const receipt = {
      at: this.#o.seconds(),
      body_sha256: statement.body_sha256,
      id,
      origin: statement.hub,
      share: statement.share,
      state,
      ...signedAs(signer)
    }
    return formatSigned(signStatement(DIRECTED_RECEIPT, signer.secretKey.key, receipt))
  }

  async #refusal(
    hub: string,
    code: DirectedRefusal,
    id: string | undefined,
    why = code.replaceAll('_', ' ')
  ): Promise<OapError> {
    await this.#o.refused(hub, code, id)
    const { reason, isFinal } = DIRECTED_REFUSALS[code]
    return new OapError(reason, `the message is not taken: ${why}`, { code, retryable: !isFinal })
  }

  /** Delivers what an operator let out of quarantine; a second time does nothing. */
  async #release({ statement: line, body }: ReleasedItem): Promise<void> {
    const { statement } = parseSigned(DIRECTED_MESSAGE, Buffer.from(line).toString())
    const id = directedId(statement)
    const treaty = this.#o.treatyOf(statement.hub)
    const row = treaty && rowFor(treaty, 'in', statement)
    if (row === undefined || !this.#o.isTenant(row.tenant))
      throw new OapError('not_shared', 'no treaty lets this message in any more')
    const box = this.#o.mailbox()
    const name = seenName(statement, id)
    const value = await box.note(name)
    const seen = value && seenIn(value)
    if (seen?.isReleased === true) return
    const receipt = seen?.receipt ?? (await this.#receipt(statement, id, 'quarantined'))
    const note = seenNote(name, { state: 'quarantined', receipt, isReleased: true }, false)
    await box.receive({ ...incoming(statement, id, row.tenant, body), note })
  }
}

const SECOND_MS = 1000

/** Nothing is decided of the message, and it may come again. */
function notNow(why: string | undefined, retryAfterMs?: number): OapError {
  if (why === 'quarantine_full')
    return new OapError('quarantine_full', 'the quarantine of this origin is full', { retryAfterMs })
  if (why === 'too_many_rejections')
    return new OapError('quota_peer', 'too many messages of this hub are rejected at once', {
      code: why,
      retryAfterMs
    })
  if (why === 'origin_quarantined')
    return new OapError('cap_denied', 'the link is in quarantine until the operator decides', {
      reason: 'quarantine'
    })
  return new OapError('not_allowlisted', 'no treaty with this hub holds at the moment')
}

function incoming(
  { topic, priority, attrs, e2e, comp, ends, hub, share }: DirectedStatement,
  id: string,
  tenant: string,
  body: Uint8Array
): Omit<Incoming, 'note'> {
  return {
    tenant,
    topic,
    priority,
    body,
    attrs,
    e2e,
    comp,
    expiresAtMs: ends === undefined ? undefined : ends * SECOND_MS,
    // It was sent to this hub alone, so it has no number in its share.
    origin: { hub, share, number: 0, id }
  }
}
