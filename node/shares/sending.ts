import { hash } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { SHARED_MESSAGE, federatedId, formatSigned, signStatement } from '../../federation/index.ts'
import type { SharedMessage } from '../../federation/index.ts'
import { OapError } from '../../protocols/index.ts'
import type { Outgoing, SharedMessageRows, SharedSending } from '../mailbox/index.ts'
import type { Beside, BesideRow } from '../stores/mailbox/index.ts'
import type { Agreements } from './agreements.ts'
import type { ShareBook } from './book.ts'

/** With what a node signs messages. */
export interface MessageSigner {
  readonly hub: string
  readonly node: string
  readonly key: KeyObject
  /** In hex. */
  readonly publicKey: string
  readonly epoch: number
  /** Unix seconds within which it may sign. */
  readonly notBefore: number
  readonly notAfter: number
}

/** A message that this hub has numbered, once it is durable. */
export interface Numbered {
  readonly statement: SharedMessage
  readonly id: string
}

export interface SendingOptions {
  readonly agreements: Pick<Agreements, 'sharesOf' | 'windowOf'>
  readonly book: ShareBook
  readonly signer: () => MessageSigner | undefined
  /** Looks for a key to sign with, or makes one. */
  readonly needSigner: () => Promise<void>
  readonly nowMs: () => number
  /** Hears of each message once it would survive a power cut. */
  readonly stored: (numbered: readonly Numbered[]) => void
}

/** What a line takes of the disk beside its body, about. */
const LINE_BYTES = 2048

/**
 * Numbers and signs what goes out in shares, in one step with its message in the mailbox. Throws `not_shared` where
 * nothing can be signed, `mailbox_full` where peers did not take what there is, `bad_request` for attributes that have no
 * canonical text. `of` is by what the bodies can be withdrawn.
 */
export function sharedSending(options: SendingOptions, of?: string): SharedSending {
  const { agreements, book, nowMs } = options
  const share = (outgoing: Outgoing, shares: readonly string[]): SharedMessageRows => {
    const signer = signerNow(options)
    const { body } = outgoing
    if (Object.entries(outgoing.attrs ?? {}).some(pair => pair.some(text => !text.isWellFormed())))
      throw new OapError('bad_request', 'attrs: half a surrogate pair')
    const bytes = shares.length * (body.length + LINE_BYTES)
    for (const id of shares) {
      if (!book.hasRoom({ share: id, origin: signer.hub }, body.length + LINE_BYTES))
        throw new OapError('mailbox_full', `share ${id} holds as much for other hubs as it may`, {
          retryAfterMs: 60_000
        })
    }
    const sha256 = hash('sha256', body, 'hex')
    const numbered: Numbered[] = []
    const beside: Beside = {
      bytes,
      rows: () =>
        shares.flatMap(id => {
          const made = numberedIn({
            share: id,
            outgoing,
            of,
            sha256,
            signer,
            book,
            nowS: Math.floor(nowMs() / 1000)
          })
          numbered.push(made)
          return made.rows
        })
    }
    book.keepOwn(shares, id => agreements.windowOf(id))
    return { beside, stored: () => options.stored(numbered) }
  }
  return outgoing => {
    const shares = agreements.sharesOf(outgoing.tenant, outgoing.topic)
    if (shares.length === 0) return undefined
    if (options.signer() !== undefined) return share(outgoing, shares)
    return options.needSigner().then(() => share(outgoing, shares))
  }
}

function signerNow({ signer, nowMs }: SendingOptions): MessageSigner {
  const found = signer()
  const nowS = Math.floor(nowMs() / 1000)
  if (found !== undefined && nowS >= found.notBefore && nowS <= found.notAfter) return found
  throw new OapError(
    'not_shared',
    'this topic is shared, and no key signs for messages here: the hub key must sign for one with omnigate key delegate --role message'
  )
}

interface ToNumber {
  readonly share: string
  readonly outgoing: Outgoing
  readonly of: string | undefined
  readonly sha256: string
  readonly signer: MessageSigner
  readonly book: ShareBook
  readonly nowS: number
}

function numberedIn({ share, outgoing, of, sha256, signer, book, nowS }: ToNumber): Numbered & {
  readonly rows: readonly BesideRow[]
} {
  const series = book.own(share)
  const number = series.stored.last + 1
  const { tenant, topic, body } = outgoing
  const statement: SharedMessage = {
    ...said(outgoing, nowS),
    at: Math.max(nowS, series.stored.at),
    body_sha256: sha256,
    bytes: body.length,
    epoch: signer.epoch,
    hub: signer.hub,
    key: signer.publicKey,
    node: signer.node,
    number,
    series: series.series,
    share,
    topic
  }
  const line = formatSigned(signStatement(SHARED_MESSAGE, signer.key, statement))
  const id = federatedId(statement)
  const row = { state: 'own', id, at: statement.at, tenant, topic, line, of } as const
  return { statement, id, rows: book.settled(series, number, row, body) }
}

type Said = Pick<SharedMessage, 'attrs' | 'comp' | 'e2e' | 'expires_ms' | 'not_before_ms' | 'priority'>

function said(
  { attrs, comp, e2e, priority = 4, not_before: early, ttl_s: ttlS }: Outgoing,
  nowS: number
): Said {
  const hasAttrs = attrs !== undefined && Object.keys(attrs).length > 0
  const from = early !== undefined && early > 0 ? early : undefined
  const expires = ttlS === undefined ? undefined : Math.max(from ?? 0, nowS * 1000) + ttlS * 1000
  return {
    ...(hasAttrs && { attrs }),
    ...(comp === true && { comp }),
    ...(e2e === true && { e2e }),
    ...(expires !== undefined && { expires_ms: Math.min(expires, MOST_MS) }),
    ...(from !== undefined && { not_before_ms: Math.min(from, MOST_MS) }),
    priority
  }
}

const MOST_MS = 8_640_000_000_000_000
