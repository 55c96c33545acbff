import {
  equivocationId,
  equivocationLine,
  judgeEquivocation,
  keysProof,
  parseKeyRecord
} from '../../federation/index.ts'
import type { Equivocation, EquivocationProof, PlacedKinds, Treaty } from '../../federation/index.ts'
import { OapError, clampRetryAfter, federationService } from '../../protocols/index.ts'
import { auditEvent } from '../audit/index.ts'
import type { AuditEvent } from '../audit/index.ts'
import { BucketTable } from '../guards/bucket-table.ts'
import type { LiveLink, OverLinkHandlers } from '../links/index.ts'
import type { Log } from '../log.ts'
import type { PeerKeys } from '../peer-keys/index.ts'
import type { Accusations } from './accusations.ts'
import { mayLearn } from './who-may-learn.ts'

/** What one hub may tell, over whichever link: all that a link begins with at once, and one more each second. */
const TOLD = { burst: 64, perSecond: 1 }
const MOST_HUBS = 1024
/** Proofs that a link is told when it comes up, the newest. */
const MOST_AT_ONCE = 32
const TELL_MS = 5000

export interface EquivocationsOptions {
  readonly self: string
  readonly keys: Pick<PeerKeys, 'prove' | 'learn' | 'allProofs' | 'onChange'>
  readonly links: () => readonly Pick<LiveLink, 'hub' | 'caller'>[]
  /** What this hub grants another; undefined for one that is not allowed. */
  readonly treatyOf: (hub: string) => Pick<Treaty, 'rows'> | undefined
  /** The kinds of statements that proofs may be of. */
  readonly kinds: PlacedKinds
  readonly now: () => number
  /** Unix seconds. */
  readonly seconds: () => number
  readonly accusations: Pick<Accusations, 'hear'>
  /** Resolves once it would survive a power cut. */
  readonly record: (event: AuditEvent) => Promise<unknown>
  readonly log: Pick<Log, 'warn' | 'error' | 'debug'>
}

/** A proof as an operator and other hubs see it. */
export interface HeldProof {
  readonly id: string
  readonly hub: string
  readonly kind: Equivocation['kind']
  readonly line: string
  /** Unix seconds. */
  readonly foundAt: number
  readonly decidedAt: number | undefined
}

/**
 * Proofs that hubs said two things: those found here and those that linked hubs tell. Each is judged before it is
 * taken, kept durably beside what is known of its hub's keys, and told on once to all links that may learn what is in it.
 * @see specs/federation-witness.md, section 6
 */
export class Equivocations {
  readonly #o: EquivocationsOptions
  readonly #rates = new BucketTable(MOST_HUBS)
  /** Ids of all that were told; as many as are held, and those that gave way. */
  readonly #told = new Set<string>()
  refused = 0
  /** Proofs against this hub itself that were new. */
  accused = 0
  /** A proof may be long, and its id is asked for with each that is told. */
  readonly #held = new WeakMap<EquivocationProof, HeldProof>()

  constructor(options: EquivocationsOptions) {
    this.#o = options
    options.keys.onChange(({ hub, change }) => {
      if (change === 'quarantine') this.#changed(hub)
    })
    for (const { id } of this.all()) this.#told.add(id)
  }

  /** What was proved against a hub is told to the links that may learn it, once. */
  #changed(hub: string): void {
    for (const proof of this.all()) {
      const { id, hub: liar, kind } = proof
      if (liar !== hub || this.#told.has(id)) continue
      this.#told.add(id)
      this.#o.log.warn({ event: 'Equivocation', hub, kind, proof: id }, SAID_TWICE)
      void this.#tellAll(proof)
    }
  }

  /** All that are held, the newest last. */
  all(): readonly HeldProof[] {
    return this.#o.keys
      .allProofs()
      .map(([hub, proof]) => this.#heldOf(hub, proof))
      .sort((a, b) => a.foundAt - b.foundAt)
  }

  /**
   * Takes a proof that was found here. Resolves once it is durable and its hub in quarantine; it is told on in the
   * background. `ignored` for a hub that is not on the allowlist. Throws `bad_request` for what proves nothing.
   */
  async found(proof: Equivocation): Promise<'new' | 'known' | 'ignored'> {
    return this.#take(equivocationLine(proof), this.#o.self)
  }

  /** A linked hub tells of a proof. Throws `bad_request` with the refusal as its code, `quota_peer`. */
  readonly heard: OverLinkHandlers['equivocation'] = async ({ body = new Uint8Array(0) }, { hub }) => {
    const nowMs = this.#o.now()
    const waitMs = this.#rates.get(hub, TOLD, nowMs).take(1, nowMs)
    if (waitMs > 0)
      throw new OapError('quota_peer', 'too many proofs at once', { retryAfterMs: clampRetryAfter(waitMs) })
    return { result: await this.#take(Buffer.from(body).toString(), hub) }
  }

  /** A link came up: it is told what is held, the newest of it. Never rejects. */
  async up(link: Pick<LiveLink, 'hub' | 'caller'>): Promise<void> {
    const treaty = this.#o.treatyOf(link.hub)
    const newest: HeldProof[] = []
    for (const proof of this.all().toReversed()) {
      if (newest.length === MOST_AT_ONCE) break
      if (mayLearn(proof, treaty)) newest.unshift(proof)
    }
    for (const { line } of newest) await this.#tell(link, line)
  }

  async #tellAll(proof: HeldProof): Promise<void> {
    const links = this.#o.links().filter(({ hub }) => mayLearn(proof, this.#o.treatyOf(hub)))
    await Promise.all(links.map(link => this.#tell(link, proof.line)))
  }

  async #take(line: string, from: string): Promise<'new' | 'known' | 'ignored'> {
    const id = equivocationId(line)
    if (this.all().some(one => one.id === id)) return 'known'
    const verdict = judgeEquivocation(line, this.#o.kinds)
    if (!verdict.ok) {
      this.refused++
      throw new OapError('bad_request', `the proof: ${verdict.detail}`, { code: verdict.why })
    }
    const { proof, keys } = verdict
    if (proof.hub === this.#o.self) return await this.#accused(proof, id, from)
    return this.#keep(proof, line, keys)
  }

  async #keep(
    proof: Equivocation,
    line: string,
    keys: readonly string[]
  ): Promise<'new' | 'known' | 'ignored'> {
    if (proof.kind !== 'delegations' && proof.kind !== 'successions')
      return this.#o.keys.prove(proof.hub, { kind: proof.kind, lines: [line] }, keys)
    const { equivocating } = await this.#o.keys.learn(proof.lines.map(parseKeyRecord))
    if (equivocating.length > 0) return 'new'
    return this.all().some(({ id }) => id === equivocationId(line)) ? 'known' : 'ignored'
  }

  #heldOf(hub: string, proof: EquivocationProof): HeldProof {
    const known = this.#held.get(proof)
    if (known !== undefined) return known
    const one = held(hub, proof)
    this.#held.set(proof, one)
    return one
  }

  async #accused({ kind }: Equivocation, proof: string, from: string): Promise<'ignored'> {
    const { accusations, log, record, seconds } = this.#o
    const isNew = await accusations.hear(proof, seconds(), () =>
      record(auditEvent('accused', `hub:${from}`, { hub: from, kind, proof }))
    )
    if (!isNew) return 'ignored'
    this.accused++
    log.error(
      { event: 'Accused', from, kind, proof },
      'another hub has proof that this hub said two things: its keys are used from two copies, or were stolen'
    )
    return 'ignored'
  }

  async #tell({ hub, caller }: Pick<LiveLink, 'hub' | 'caller'>, line: string): Promise<void> {
    try {
      await caller
        .client(federationService)
        .equivocation({ body: Buffer.from(line) }, { deadlineMs: TELL_MS })
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      this.#o.log.debug({ event: 'ProofNotTold', hub, why }, 'a linked hub could not be told of a proof')
    }
  }
}

const SAID_TWICE = 'a hub said two things of which one is false; its link is in quarantine, see peer show'

function held(hub: string, { kind, lines, foundAt, decidedAt }: EquivocationProof): HeldProof {
  if (kind !== 'delegation' && kind !== 'succession')
    return { id: equivocationId(lines[0] ?? ''), hub, kind, line: lines[0] ?? '', foundAt, decidedAt }
  const proof = keysProof(kind === 'delegation' ? 'delegations' : 'successions', hub, lines)
  const line = equivocationLine(proof)
  return { id: equivocationId(line), hub, kind: proof.kind, line, foundAt, decidedAt }
}
