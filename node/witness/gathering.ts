import { NoteError, WITNESS, formatWitnessRequest, openCheckpoint } from '../../federation/index.ts'
import type { DelegationBook, NoteKey } from '../../federation/index.ts'
import { OapError, federationService } from '../../protocols/index.ts'
import type { AuditLog } from '../audit/index.ts'
import { InTurn } from '../capabilities/in-turn.ts'
import type { LiveLink } from '../links/index.ts'
import type { Log } from '../log.ts'
import { CheckedRows } from '../stores/checked-rows.ts'
import type { Level } from '../stores/level.ts'
import { withCosignature, witnessKeys } from './cosigned-note.ts'
import type { HubCosignature } from './cosigned-note.ts'
import { WITNESS_ROWS } from './witnessed-logs.ts'

/** A log that grows is cosigned so often, and soon after one more witness is there. */
const EVERY_MS = 60_000
const AGAIN_MS = 5000
const ASK_MS = 5000
/** Witnesses of one round; a note has at most 64 signatures. */
const MOST_WITNESSES = 48
const OWN = 'own'
const MAX_WHY = 200

/** What of a log is needed here. */
export type CosignedLog = Pick<AuditLog, 'origin' | 'size' | 'checkpoint' | 'consistency' | 'root'>

export interface GatheringOptions {
  /** Undefined while no log is open. */
  readonly log: () => CosignedLog | undefined
  /** The log's own key, and the text of the hub key's word for it without a line feed; undefined where it has not signed. */
  readonly logKey: () => Promise<{ readonly key: NoteKey; readonly delegation: string } | undefined>
  readonly level: () => Level
  readonly links: () => readonly LiveLink[]
  /** Whether a hub says that it witnesses this one. */
  readonly isWitness: (hub: string) => boolean
  /** What is known of the keys of a hub. */
  readonly bookOf: (hub: string) => DelegationBook
  readonly nowMs: () => number
  readonly logger: Pick<Log, 'warn' | 'debug'>
}

/** A checkpoint with the cosignatures that came. */
export interface CosignedCheckpoint {
  readonly note: string
  readonly size: number
  readonly cosigned: readonly HubCosignature[]
}

export interface Round extends CosignedCheckpoint {
  readonly refused: readonly { readonly hub: string; readonly why: string }[]
}

/**
 * Asks linked hubs that witness this log for cosignatures, and keeps the newest checkpoint that has one. What came is
 * durable before it is served.
 * @see specs/federation-witness.md, section 4
 */
export class Gathering {
  readonly #o: GatheringOptions
  readonly #rows: CheckedRows
  readonly #turns = new InTurn()
  /** Up to where a hub has seen this log; it says so itself where that is wrong. */
  readonly #sizes = new Map<string, number>()
  #newest: CosignedCheckpoint | undefined
  #dueMs = 0
  #isAsking = false
  /** Rounds in a row in which one did not cosign: each is waited for longer, as long as a round takes to come at most. */
  #inVain = 0
  /** Why hubs did not cosign the last time; what is the same is not said again. */
  #said: ReadonlyMap<string, string> = new Map()

  private constructor(options: GatheringOptions, rows: CheckedRows, newest: CosignedCheckpoint | undefined) {
    this.#o = options
    this.#rows = rows
    this.#newest = newest
  }

  static async open(options: GatheringOptions): Promise<Gathering> {
    const rows = new CheckedRows(options.level, WITNESS_ROWS)
    const own = (await rows.all()).find(({ key }) => key === OWN)
    return new Gathering(options, rows, cosignedIn(own?.value))
  }

  /** The newest checkpoint of this log that another hub has cosigned. */
  get newest(): CosignedCheckpoint | undefined {
    const origin = this.#o.log()?.origin
    return origin !== undefined && this.#newest?.note.startsWith(`${origin}\n`) === true
      ? this.#newest
      : undefined
  }

  /** A link came up: its hub is asked soon. */
  up(hub: string): void {
    this.#sizes.delete(hub)
    this.#inVain = 0
    this.#dueMs = Math.min(this.#dueMs, this.#o.nowMs() + AGAIN_MS)
  }

  /** Begins a round when it is time; for a timer. */
  tick(): void {
    const nowMs = this.#o.nowMs()
    if (this.#isAsking || nowMs < this.#dueMs) return
    this.#dueMs = nowMs + EVERY_MS
    const witnesses = this.#witnesses()
    if (witnesses.length === 0 || this.#isCosignedBy(witnesses)) return
    this.#isAsking = true
    void this.round()
      .catch((err: unknown) => {
        this.#o.logger.debug({ event: 'NotCosigned', err }, 'no cosignatures could be gathered')
      })
      .finally(() => (this.#isAsking = false))
  }

  /** Asks all witnesses for a cosignature of the newest checkpoint. Throws `not_ready`, `conflict` `no_delegation`. */
  round(): Promise<Round> {
    return this.#turns.run(() => this.#round())
  }

  /** Whether the log has not grown since all of them cosigned it. */
  #isCosignedBy(witnesses: readonly LiveLink[]): boolean {
    const { newest } = this
    if (newest === undefined || newest.size !== this.#o.log()?.size) return false
    const by = new Set(newest.cosigned.map(({ hub }) => hub))
    return witnesses.every(({ hub }) => by.has(hub))
  }

  async #round(): Promise<Round> {
    const log = this.#o.log()
    if (log === undefined) throw new OapError('not_ready', 'the audit log is not open')
    const signed = await this.#o.logKey()
    if (signed === undefined)
      throw new OapError(
        'conflict',
        'the hub key has not signed for the key of the log: key delegate --role log',
        {
          code: 'no_delegation'
        }
      )
    const own = await log.checkpoint()
    const { size } = openCheckpoint(own, signed.key)
    const witnesses = this.#witnesses()
    const answers = await Promise.all(
      witnesses.map(async link => {
        try {
          return {
            hub: link.hub,
            line: await this.#ask(link, log, { own, size, delegation: signed.delegation })
          }
        } catch (error) {
          return { hub: link.hub, why: whyOf(error) }
        }
      })
    )
    return this.#keep(own, size, answers)
  }

  async #keep(
    own: string,
    size: number,
    answers: readonly ({ readonly hub: string } & ({ readonly line: string } | { readonly why: string }))[]
  ): Promise<Round> {
    let note = own
    const cosigned: HubCosignature[] = []
    const refused: { hub: string; why: string }[] = []
    for (const answer of answers) {
      try {
        if ('why' in answer) throw new NoteError(answer.why)
        const { hub, line } = answer
        const added = withCosignature(note, line, { hub, keys: witnessKeys(this.#o.bookOf(hub)) })
        note = added.note
        cosigned.push(added.by)
      } catch (error) {
        refused.push({ hub: answer.hub, why: whyOf(error) })
      }
    }
    for (const one of refused.filter(({ hub, why }) => this.#said.get(hub) !== why))
      this.#o.logger.warn({ event: 'NotCosigned', ...one }, 'a hub did not cosign the audit log')
    this.#said = new Map(refused.map(({ hub, why }) => [hub, why]))
    if (cosigned.length > 0) {
      await this.#rows.put([{ key: OWN, value: { note, size, cosigned } }])
      this.#newest = { note, size, cosigned }
    }
    if (refused.length === 0) this.#inVain = 0
    else this.#dueMs = Math.min(this.#dueMs, this.#o.nowMs() + AGAIN_MS * 2 ** this.#inVain++)
    return { note, size, cosigned, refused }
  }

  /** The signature line of a witness. It is asked at most twice: where it has seen the log it says itself. */
  async #ask(
    link: LiveLink,
    log: CosignedLog,
    { own, size, delegation }: { readonly own: string; readonly size: number; readonly delegation: string }
  ): Promise<string> {
    if (witnessKeys(this.#o.bookOf(link.hub)).length === 0)
      throw new NoteError('its key of a witness is not known here yet')
    const hub = link.caller.client(federationService)
    for (let left = 2; left > 0; left--) {
      const old = Math.min(this.#sizes.get(link.hub) ?? 0, size)
      const { hashes } = await log.consistency(old, size)
      const answer = await hub.witness(
        {
          old_root: Buffer.from(await log.root(old)).toString('hex'),
          delegation,
          body: Buffer.from(formatWitnessRequest({ old, hashes, note: own }))
        },
        { deadlineMs: ASK_MS }
      )
      this.#sizes.set(link.hub, answer.size)
      if (answer.result === 'cosigned') return lineIn(answer.body)
      if (answer.size > size)
        throw new NoteError(`it has seen this log with ${answer.size} entries, of which ${size} are here`)
    }
    throw new NoteError('it says something else each time of where it has seen this log')
  }

  #witnesses(): readonly LiveLink[] {
    return this.#o
      .links()
      .filter(({ hub }) => this.#o.isWitness(hub))
      .slice(0, MOST_WITNESSES)
  }
}

function lineIn(body: Uint8Array = new Uint8Array(0)): string {
  if (body.length > WITNESS.headBytes) throw new NoteError('a signature line that is too long')
  return Buffer.from(body).toString()
}

function whyOf(error: unknown): string {
  const why = error instanceof OapError ? `${error.code}: ${error.message}` : String((error as Error).message)
  return why.slice(0, MAX_WHY)
}

function cosignedIn(value: unknown): CosignedCheckpoint | undefined {
  const { note, size, cosigned } = (value ?? {}) as Partial<CosignedCheckpoint>
  if (typeof note !== 'string' || typeof size !== 'number' || !Array.isArray(cosigned)) return undefined
  return { note, size, cosigned: cosigned as readonly HubCosignature[] }
}
