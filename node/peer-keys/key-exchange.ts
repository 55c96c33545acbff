import { MAX_KEY_PAGE_BYTES, keyPage, keyPageLines, parseKeyRecord } from '../../federation/index.ts'
import type { KeyPage, KeyRecord } from '../../federation/index.ts'
import { OapError, clampRetryAfter, federationService } from '../../protocols/index.ts'
import type { ConnectionCaller } from '../../protocols/index.ts'
import { BucketTable } from '../guards/bucket-table.ts'
import type { Log } from '../log.ts'
import { fetchKeys } from './fetching.ts'
import type { OwnKeys } from './own-keys.ts'
import type { Learning, PeerKeys } from './peer-keys.ts'

/** Links that are not told of a change ask themselves so often. */
const ASK_EVERY_MS = 600_000
/** The other side may come to know of a link a little later, and tells nobody of what it signs until then. */
const SETTLED_MS = 2000
/** How long after a question that was not answered comes the next; twice as long after each further one. */
const ASK_AGAIN_MS = 2000
const TELL_MS = 5000
/** What one hub may tell: so many calls at once, one more each second. */
const TOLD = { burst: 8, perSecond: 1 }
/** As many as may be on an allowlist. */
const MOST_HUBS = 1024

/** A link, as far as keys go. */
export interface KeyLink {
  readonly hub: string
  readonly caller: ConnectionCaller
}

export interface KeyExchangeOptions {
  readonly own: OwnKeys
  readonly peers: Pick<PeerKeys, 'learn'>
  /** All links that are up. */
  readonly links: () => readonly KeyLink[]
  /** Milliseconds that never go back. */
  readonly nowMs: () => number
  readonly log: Pick<Log, 'info' | 'warn' | 'debug'>
}

interface Told {
  digest: string | undefined
  dueMs: number
  hasAnswered: boolean
  failures: number
  isAsking: boolean
  /** Resolves once what the other side says of its keys was learned. */
  readonly read: PromiseWithResolvers<void>
}

/**
 * Hubs tell each other over their links what their hub keys have signed about keys: asked for when a link comes up,
 * once more two seconds later and every ten minutes after that, and told when there is more. Whose word a record is, it says itself.
 * @see specs/federation-links.md, section 16
 */
export class KeyExchange {
  readonly #o: KeyExchangeOptions
  readonly #told = new WeakMap<ConnectionCaller, Told>()
  /** By hub: a new link gives nobody more. */
  readonly #rates = new BucketTable(MOST_HUBS)

  constructor(options: KeyExchangeOptions) {
    this.#o = options
  }

  /** What this hub says of its own keys, from one line on. */
  page(from: number): KeyPage {
    return this.#o.own.page(from)
  }

  /** Asks links whose turn it is; for a timer, and at once when a link came up. */
  tick(): void {
    const nowMs = this.#o.nowMs()
    for (const link of this.#o.links()) {
      const told = this.#of(link)
      if (told.isAsking || nowMs < told.dueMs) continue
      void this.#ask(link, told)
    }
  }

  /**
   * Resolves once the keys of the other side have been read over this link, and what it has revoked meanwhile holds: who
   * was away takes nothing before that. Never, where the link ends before.
   */
  read(link: KeyLink): Promise<void> {
    return this.#of(link).read.promise
  }

  /** The other side of a link tells. Throws `bad_request` for what is no page, `quota_peer` for too many calls. */
  async heard(link: KeyLink, body: Uint8Array): Promise<void> {
    const nowMs = this.#o.nowMs()
    const waitMs = this.#rates.get(link.hub, TOLD, nowMs).take(1, nowMs)
    if (waitMs > 0)
      throw new OapError('quota_peer', 'too many records at once', { retryAfterMs: clampRetryAfter(waitMs) })
    this.#say(link, await this.#o.peers.learn(recordsIn(linesIn(body))))
  }

  /** Reads the folder of keys again and tells all links what is new. Resolves when it was tried. */
  async tell(): Promise<void> {
    let lines = await this.#o.own.reload()
    while (lines.length > 0) {
      const { body } = keyPage(lines, 0)
      const count = keyPageLines(body).length
      await Promise.all(this.#o.links().map(link => this.#tellOne(link, body)))
      lines = lines.slice(count)
    }
  }

  async #tellOne({ hub, caller }: KeyLink, body: Uint8Array): Promise<void> {
    try {
      await caller.client(federationService).new_keys({ body }, { deadlineMs: TELL_MS })
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      this.#o.log.warn(
        { event: 'KeysNotTold', hub, why },
        'a linked hub could not be told; it asks by itself later'
      )
    }
  }

  async #ask(link: KeyLink, told: Told): Promise<void> {
    told.isAsking = true
    try {
      const fetched = await fetchKeys(link.caller, told.digest)
      this.#answered(told)
      if (fetched === undefined) return
      this.#say(link, await this.#o.peers.learn(recordsIn(fetched.lines)))
      told.digest = fetched.digest
      told.read.resolve()
    } catch (error) {
      told.dueMs = this.#o.nowMs() + Math.min(ASK_EVERY_MS, ASK_AGAIN_MS * 2 ** told.failures++)
      const why = error instanceof Error ? error.message : String(error)
      const facts = { event: 'KeysNotRead', hub: link.hub, why }
      if (error instanceof OapError) this.#o.log.debug(facts, 'a linked hub did not say what its keys are')
      else this.#o.log.warn(facts, 'what a linked hub says of its keys could not be taken')
    } finally {
      told.isAsking = false
    }
  }

  #answered(told: Told): void {
    told.dueMs = this.#o.nowMs() + (told.hasAnswered ? ASK_EVERY_MS : SETTLED_MS)
    told.hasAnswered = true
    told.failures = 0
  }

  #of({ caller }: KeyLink): Told {
    const known = this.#told.get(caller)
    if (known !== undefined) return known
    const told: Told = {
      digest: undefined,
      dueMs: -Infinity,
      hasAnswered: false,
      failures: 0,
      isAsking: false,
      read: Promise.withResolvers<void>()
    }
    this.#told.set(caller, told)
    return told
  }

  #say({ hub }: KeyLink, { learned, refused, equivocating }: Learning): void {
    if (learned > 0)
      this.#o.log.info({ event: 'KeysLearned', hub, learned }, 'learned of keys of another hub')
    if (refused.some(why => !why.endsWith('revoked')))
      this.#o.log.debug({ event: 'KeysRefused', hub, refused: refused.slice(0, 8) }, 'not taken')
    for (const other of equivocating)
      this.#o.log.warn(
        { event: 'Equivocation', hub: other },
        'a hub has signed two things of which one is false; its link is in quarantine: peer show, peer release'
      )
  }
}

/** Those that this version can read: another that it cannot must not keep a revocation away. */
function recordsIn(lines: readonly string[]): readonly KeyRecord[] {
  return lines.flatMap(line => {
    try {
      return [parseKeyRecord(line)]
    } catch (error) {
      if (error instanceof SyntaxError) return []
      throw error
    }
  })
}

function linesIn(body: Uint8Array): readonly string[] {
  try {
    return keyPageLines(body)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new OapError('bad_request', `the body is no list of records of at most ${MAX_KEY_PAGE_BYTES} bytes`)
  }
}
