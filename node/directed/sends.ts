import { createHash } from 'node:crypto'
import { DIRECTED, DIRECTED_MESSAGE, formatSigned, rowFor, signStatement } from '../../federation/index.ts'
import type { DirectedStatement, Treaty, TreatyGrant, TreatyRow } from '../../federation/index.ts'
import { MAILBOX_LIMITS, OapError, topicMatches } from '../../protocols/index.ts'
import { signedAs } from '../identity/index.ts'
import type { NodeSigners } from '../identity/index.ts'
import type { Addressed, Directing, Outgoing } from '../mailbox/index.ts'

export interface DirectedSendsOptions {
  readonly signers: Pick<NodeSigners, 'of' | 'known'>
  /** Our treaty with a hub; undefined while it may not link. */
  readonly treatyOf: (hub: string) => Treaty | undefined
  /** What a hub granted us last, where that is known. */
  readonly theirs: (hub: string) => TreatyGrant | undefined
  /** So many random bytes. */
  readonly random: (bytes: number) => Uint8Array
  readonly queued: (tenant: string, hub: string) => void
}

const NONCE_BYTES = 16
const SECOND_MS = 1000

/** Signs messages for other hubs where a treaty lets them go. */
export class DirectedSends implements Directing {
  readonly messages = DIRECTED.outboxMessages
  readonly bytes = DIRECTED.outboxBytes
  readonly #o: DirectedSendsOptions

  constructor(options: DirectedSendsOptions) {
    this.#o = options
  }

  queued(tenant: string, hub: string): void {
    this.#o.queued(tenant, hub)
  }

  /** To be awaited before `address`. */
  async prepare(): Promise<void> {
    await this.#o.signers.of('message')
  }

  address(one: Outgoing, { nowMs, atMs }: { readonly nowMs: number; readonly atMs: number }): Addressed {
    const { to, topic, body, priority = MAILBOX_LIMITS.priorityDefault, ttl_s: ttlS, attrs, e2e, comp } = one
    if (to === undefined) throw new TypeError('a message that goes to no hub has no address')
    const { row, windowS } = this.#row(one, to)
    const signer = this.#o.signers.known('message')
    if (signer === undefined)
      throw new OapError(
        'not_ready',
        'no key of this node may sign messages: stop it, and run omnigate key delegate --role message'
      )
    const at = Math.floor(nowMs / SECOND_MS)
    const ttlEndS = ttlS === undefined ? Infinity : Math.floor(atMs / SECOND_MS) + ttlS
    const expires = Math.min(at + windowS, at + DIRECTED.lifeS, Math.max(ttlEndS, at + 1))
    if (atMs >= expires * SECOND_MS)
      throw new OapError('bad_request', `not_before: beyond the window of the treaty, ${windowS} s`)
    const statement: DirectedStatement = {
      at,
      ...(attrs !== undefined && { attrs }),
      body_bytes: body.length,
      body_sha256: createHash('sha256').update(body).digest('hex'),
      ...(comp === true && { comp }),
      ...(e2e === true && { e2e }),
      ...(ttlS !== undefined && { ends: expires }),
      expires,
      nonce: Buffer.from(this.#o.random(NONCE_BYTES)).toString('hex'),
      priority,
      share: row.share.id,
      to: to.hub,
      topic,
      ...signedAs(signer)
    }
    const line = formatSigned(signStatement(DIRECTED_MESSAGE, signer.secretKey.key, statement))
    return {
      hub: to.hub,
      directed: { share: row.share.id, topic, line },
      expiresAtMs: expires * SECOND_MS
    }
  }

  #row(
    { tenant, topic }: Outgoing,
    { hub, share }: NonNullable<Outgoing['to']>
  ): { readonly row: TreatyRow; readonly windowS: number } {
    const treaty = this.#o.treatyOf(hub)
    const rows = (treaty?.rows ?? []).filter(
      row => row.tenant === tenant && (row.share.id === share || row.share.name === share)
    )
    const row = rows.map(({ share: { id } }) => rowFor({ rows }, 'out', { share: id, topic })).find(Boolean)
    if (treaty === undefined || row === undefined)
      throw new OapError('not_shared', 'to: no treaty lets this topic go to that hub under that share')
    const theirs = this.#o.theirs(hub)
    if (theirs !== undefined && !takes(theirs, row.share.id, topic))
      throw new OapError('not_shared', 'to: that hub does not take this topic under that share')
    return { row, windowS: Math.min(treaty.window_s, theirs?.window_s ?? Infinity) }
  }
}

const takes = ({ rows }: TreatyGrant, share: string, topic: string): boolean =>
  rows.some(
    ({ share: { id }, dir, topics }) =>
      id === share && dir !== 'out' && topics.some(pattern => topicMatches(pattern, topic))
  )
