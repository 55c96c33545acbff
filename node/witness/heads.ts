import { HASH_BYTES, NoteError, WITNESS, contradicts, judgeGrowth, openHead } from '../../federation/index.ts'
import type { Equivocation, OpenedHead, SeenHead } from '../../federation/index.ts'
import { OapError, clampRetryAfter, federationService } from '../../protocols/index.ts'
import { BucketTable } from '../guards/bucket-table.ts'
import type { LiveLink, OverLinkHandlers } from '../links/index.ts'
import type { Log } from '../log.ts'
import type { CosignedLog } from './gathering.ts'
import type { WitnessedLogs } from './witnessed-logs.ts'

/** What one hub may tell, over whichever link. */
const TOLD = { burst: 64, perSecond: 1 }
/** How often one log is asked how it grew. */
const ASKED = { burst: 8, perSecond: 0.2 }
const MOST_HUBS = 1024
const CALL_MS = 5000
const ANOTHER_LOG = 'another_log'

type Teller = Pick<LiveLink, 'hub' | 'caller'>

export interface HeadsOptions {
  readonly logs: Pick<WitnessedLogs, 'seenOf' | 'newestOf'>
  readonly links: () => readonly LiveLink[]
  /** Whether a hub is on the allowlist. */
  readonly isAllowed: (hub: string) => boolean
  /** Whether a hub says that it witnesses this one. */
  readonly isWitness: (hub: string) => boolean
  /** The log of this hub; undefined while none is open. */
  readonly log: () => CosignedLog | undefined
  /** Hears proof against a hub; resolves once it would survive a power cut. */
  readonly found: (proof: Equivocation) => Promise<void>
  /** Milliseconds that never go back. */
  readonly nowMs: () => number
  readonly logger: Pick<Log, 'warn' | 'debug'>
}

/**
 * Witnesses of one log tell each other which heads of it they have cosigned, so that a log that shows each of them another
 * history is found by any two that are linked. Nothing of it is kept.
 * @see specs/federation-witness.md, section 4.4
 */
export class Heads {
  readonly #o: HeadsOptions
  readonly #told = new BucketTable(MOST_HUBS)
  readonly #asked = new BucketTable(MOST_HUBS)
  unproved = 0

  constructor(options: HeadsOptions) {
    this.#o = options
  }

  /** Tells all links but that of the log of a head that was cosigned. Never rejects. */
  async tell(hub: string, head: SeenHead): Promise<void> {
    const others = this.#o.links().filter(link => link.hub !== hub)
    await Promise.all(others.map(link => this.#tell(link, hub, head)))
  }

  async #tell(link: Teller, hub: string, { note, delegation }: SeenHead): Promise<void> {
    try {
      const request = { hub, delegation, body: Buffer.from(note) }
      await link.caller.client(federationService).head(request, { deadlineMs: CALL_MS })
    } catch (error) {
      this.#o.logger.debug({ event: 'HeadNotTold', hub: link.hub, err: error }, 'a head was not told')
    }
  }

  /** A linked hub tells of a head. Throws `bad_request` for what no log of that hub signed, `quota_peer`. */
  readonly heard: OverLinkHandlers['head'] = async ({ hub, delegation, body = new Uint8Array(0) }, link) => {
    const nowMs = this.#o.nowMs()
    const waitMs = this.#told.get(link.hub, TOLD, nowMs).take(1, nowMs)
    if (waitMs > 0)
      throw new OapError('quota_peer', 'too many heads at once', { retryAfterMs: clampRetryAfter(waitMs) })
    if (this.#o.isAllowed(hub)) await this.#compare(hub, opened(hub, delegation, body), link)
    return {}
  }

  /** A witness asks how the log of this hub grew. Throws `cap_denied`, `not_ready`, `not_found`, `conflict` for another log. */
  readonly grown: OverLinkHandlers['log_proof'] = async ({ from, to, origin }, { hub }) => {
    if (!this.#o.isWitness(hub))
      throw new OapError('cap_denied', 'this hub is no witness of the log', { reason: 'witness' })
    const log = this.#o.log()
    if (log === undefined) throw new OapError('not_ready', 'the audit log is not open')
    if (origin !== undefined && origin !== log.origin)
      throw new OapError('conflict', 'this node writes another log', { code: ANOTHER_LOG })
    const { hashes } = await log.consistency(from, to)
    const root = await log.root(from)
    return { old_root: Buffer.from(root).toString('hex'), body: Buffer.concat(hashes) }
  }

  /** With what was seen here of that log, if anything was. */
  async #compare(hub: string, { checkpoint, head }: OpenedHead, link: Teller): Promise<void> {
    const { origin } = checkpoint
    const seen = this.#o.logs.seenOf(origin)
    const newest = seen?.at(-1)
    if (seen === undefined || newest === undefined) return
    const proof = contradicts(hub, seen, head)
    if (proof !== undefined) return this.#o.found(proof)
    if (seen.some(({ size }) => size === head.size)) return
    // Whoever tells does not wait for the log.
    void this.#trace(hub, origin, head, newest, link)
  }

  /**
   * A log may show this hub the shorter of two histories, and has no entries then that lead to the longer. Whoever told of
   * the longer is told of the shorter, and asks the log that it sees.
   */
  async #trace(hub: string, origin: string, head: SeenHead, newest: SeenHead, link: Teller): Promise<void> {
    if (head.size < newest.size) await this.#ask(hub, origin, [head, newest])
    else if (!(await this.#ask(hub, origin, [newest, head]))) await this.#tell(link, hub, newest)
  }

  /**
   * Asks the log itself how it grew from one head to the other, and yields whether it answered with what proves growth or
   * convicts it. A hub that was restored has another log now, and nothing to prove the one before with: it is not asked.
   * Never rejects.
   */
  async #ask(hub: string, origin: string, both: readonly [SeenHead, SeenHead]): Promise<boolean> {
    const newest = this.#o.logs.newestOf(hub)
    if (newest !== undefined && newest !== origin) return false
    const nowMs = this.#o.nowMs()
    const link = this.#o.links().find(one => one.hub === hub)
    if (link === undefined || this.#asked.get(hub, ASKED, nowMs).take(1, nowMs) > 0) return false
    try {
      const [{ size: from }, { size: to }] = both
      const answer = await link.caller
        .client(federationService)
        .log_proof({ from, to, origin }, { deadlineMs: CALL_MS })
      const oldRoot = Buffer.from(answer.old_root, 'hex')
      const verdict = judgeGrowth(hub, both, { oldRoot, hashes: hashesIn(answer.body) })
      if (verdict.verdict === 'equivocation') await this.#o.found(verdict.proof)
      if (verdict.verdict === 'unproved') throw new NoteError('the hashes lead nowhere')
      return true
    } catch (error) {
      // Of a log that it has not shown here since this node started, its word is as good as a restore.
      if (newest === undefined && error instanceof OapError && error.code === ANOTHER_LOG) return false
      this.unproved++
      const why = error instanceof Error ? error.message : String(error)
      this.#o.logger.warn(
        { event: 'GrowthNotProved', hub, why },
        'a hub did not prove that its audit log goes on as another hub has seen it'
      )
      return false
    }
  }
}

function opened(hub: string, delegation: string, body: Uint8Array): OpenedHead {
  try {
    return openHead(Buffer.from(body).toString(), delegation, hub)
  } catch (error) {
    if (!(error instanceof NoteError || error instanceof SyntaxError)) throw error
    const code = error instanceof NoteError ? 'signature' : 'delegation'
    throw new OapError('bad_request', error.message, { code, cause: error })
  }
}

function hashesIn(body: Uint8Array = new Uint8Array(0)): readonly Uint8Array[] {
  const count = body.length / HASH_BYTES
  if (!Number.isInteger(count) || count > WITNESS.hashes) throw new NoteError('not hashes of 32 bytes')
  return Array.from({ length: count }, (_, n) => body.slice(n * HASH_BYTES, (n + 1) * HASH_BYTES))
}
