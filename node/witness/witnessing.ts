import type { KeyObject } from 'node:crypto'
import { NoteError, WITNESS, cosign, judgeWitnessing, parseWitnessRequest } from '../../federation/index.ts'
import type { Equivocation, SeenHead, WitnessRequest } from '../../federation/index.ts'
import { OapError, clampRetryAfter } from '../../protocols/index.ts'
import type { AllowedHub } from '../allowlist/index.ts'
import { InTurn } from '../capabilities/in-turn.ts'
import { BucketTable } from '../guards/bucket-table.ts'
import type { LiveLink, OverLinkHandlers } from '../links/index.ts'
import type { WitnessedLogs } from './witnessed-logs.ts'

/** What one hub may ask, over whichever link: so many at once, and one more every other second. */
const ASKED = { burst: 16, perSecond: 0.5 }
/** As many as may be on an allowlist. */
const MOST_HUBS = 1024

/** With what this hub cosigns. */
export interface Cosigner {
  /** The name of the key in signature lines. */
  readonly name: string
  readonly key: KeyObject
}

export interface WitnessingOptions {
  /** Undefined while the hub key has signed for no key of a witness. */
  readonly cosigner: () => Promise<Cosigner | undefined>
  readonly logs: WitnessedLogs
  /** The entry of a hub that may link at this moment. */
  readonly allowed: (hub: string) => AllowedHub | undefined
  /** Why a hub is in quarantine. */
  readonly quarantine: (hub: string) => string | undefined
  /** Hears of a head that was cosigned for the first time. */
  readonly cosigned: (hub: string, head: SeenHead) => void
  /** Hears proof against a hub; resolves once it would survive a power cut. */
  readonly found: (proof: Equivocation) => Promise<void>
  readonly now: () => { readonly ms: number; readonly s: number }
}

type Asked = Parameters<OverLinkHandlers['witness']>[0]
type Answer = Awaited<ReturnType<OverLinkHandlers['witness']>>

/** Cosigns checkpoints of linked hubs whose treaty here has that duty. @see specs/federation-witness.md, section 4 */
export class Witnessing {
  readonly #o: WitnessingOptions
  readonly #turns = new InTurn()
  readonly #rates = new BucketTable(MOST_HUBS)
  cosigned = 0

  constructor(options: WitnessingOptions) {
    this.#o = options
  }

  /** Resolves once what was seen would survive a power cut, and not before with a cosignature. Throws OapError. */
  async answer(asked: Asked, link: Pick<LiveLink, 'hub' | 'peer'>): Promise<Answer> {
    this.#admit(link)
    const cosigner = await this.#o.cosigner()
    if (cosigner === undefined) throw conflict('no_key', 'the hub key has signed for no key of a witness')
    const request = requestIn(asked.body ?? new Uint8Array(0))
    return this.#turns.run(() => this.#judge({ asked, request, hub: link.hub, cosigner }))
  }

  /** Who asks is judged before what is asked is read. */
  #admit({ hub, peer }: Pick<LiveLink, 'hub' | 'peer'>): void {
    const { allowed, quarantine, now } = this.#o
    const { ms } = now()
    const waitMs = this.#rates.get(hub, ASKED, ms).take(1, ms)
    if (waitMs > 0)
      throw new OapError('quota_peer', 'too many checkpoints', { retryAfterMs: clampRetryAfter(waitMs) })
    if (allowed(hub)?.treaty.witness !== true)
      throw new OapError('cap_denied', 'the treaty does not have this hub witness the log', {
        reason: 'witness'
      })
    if (quarantine(hub) !== undefined)
      throw new OapError('cap_denied', 'this hub is in quarantine', { reason: 'quarantine' })
    if (Math.abs(peer.skewS) > WITNESS.skewS)
      throw conflict('skew', `the clocks differ by more than ${WITNESS.skewS} s`)
  }

  async #judge(one: {
    readonly asked: Asked
    readonly request: WitnessRequest
    readonly hub: string
    readonly cosigner: Cosigner
  }): Promise<Answer> {
    const { asked, request, hub, cosigner } = one
    const { logs, now, found } = this.#o
    const verdict = judgeWitnessing(
      { hub, request, oldRoot: Buffer.from(asked.old_root, 'hex'), delegation: asked.delegation },
      { seenOf: origin => logs.seenOf(origin), hasRoom: logs.hasRoom(hub) }
    )
    switch (verdict.verdict) {
      case 'known':
        return { result: 'known', size: verdict.size }
      case 'cosign': {
        const isNew = logs.seenOf(verdict.origin) !== verdict.seen
        await logs.keep(verdict.origin, verdict.seen)
        const line = cosign(verdict.text, cosigner.name, cosigner.key, now().s)
        this.cosigned++
        const head = verdict.seen.at(-1)!
        if (isNew) this.#o.cosigned(hub, head)
        return { result: 'cosigned', size: head.size, body: Buffer.from(line) }
      }
      case 'equivocation':
        await found(verdict.proof)
        throw conflict('equivocation', 'the log contradicts what was seen of it')
      case 'refused':
        throw conflict(verdict.why, verdict.detail)
    }
  }
}

const conflict = (code: string, message: string): OapError => new OapError('conflict', message, { code })

function requestIn(body: Uint8Array): WitnessRequest {
  try {
    return parseWitnessRequest(body)
  } catch (error) {
    if (error instanceof NoteError) throw new OapError('bad_request', error.message, { cause: error })
    throw error
  }
}
