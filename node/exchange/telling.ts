import { EXCHANGE_NUMBERS } from '../../federation/index.ts'
import { capabilitiesService } from '../../protocols/index.ts'
import type { ConnectionCaller } from '../../protocols/index.ts'
import type { Capabilities } from '../capabilities/index.ts'
import { newsBytes } from './news-text.ts'

const TELL_MS = 5000
/** Until it is tried again: after the first failure, and at most. */
const AGAIN_MS = 100
const AGAIN_AT_MOST_MS = 5000
/** Of a list, with each call. */
const STATEMENTS_AT_ONCE = 32
/** For the answer that says where to begin, a step back, and what was revoked meanwhile. */
const MORE_CALLS = 3

/** A link, as far as news go over it. */
export interface ToldLink {
  readonly hub: string
  readonly caller: Pick<ConnectionCaller, 'client'>
}

export interface TellingOptions {
  readonly capabilities: Pick<Capabilities, 'revocationsFrom' | 'revocationHead' | 'revocationSeq'>
  /** Whether a hub lets this one exchange capabilities, and so wants to hear. */
  readonly isHeard: (hub: string) => boolean
  /** Hears that a hub does not take what it is told; yields whether it is told again soon. */
  readonly failed: (hub: string, error: unknown) => boolean
  /** Runs `run` after so many milliseconds. */
  readonly after: (ms: number, run: () => void) => void
}

interface Told {
  readonly link: ToldLink
  /** Up to where the other hub follows; undefined until it has said. */
  seq: number | undefined
  isTelling: boolean
  /** In a row. */
  failures: number
  isDue: boolean
}

/**
 * Tells linked hubs what this one has revoked: when they link, as statements come, and every 10 s where the list stands.
 * A hub says with each answer up to where it follows, so that what it missed comes next. Nothing of it is kept.
 */
export class Telling {
  readonly #o: TellingOptions
  readonly #links = new Map<string, Told>()

  constructor(options: TellingOptions) {
    this.#o = options
  }

  /** A link came up: it is told all that it lacks. */
  up(link: ToldLink): void {
    const told = { link, seq: undefined, isTelling: false, failures: 0, isDue: false }
    this.#links.set(link.hub, told)
    void this.#tell(told)
  }

  down(link: ToldLink): void {
    if (this.#links.get(link.hub)?.link === link) this.#links.delete(link.hub)
  }

  /** Tells all of them, at once: when there are more statements, and for a timer of `EXCHANGE_NUMBERS.headEveryS`. */
  tellAll(): void {
    for (const told of this.#links.values()) void this.#tell(told)
  }

  async #tell(told: Told): Promise<void> {
    told.isDue = true
    if (!this.#o.isHeard(told.link.hub)) return
    if (told.isTelling || this.#links.get(told.link.hub) !== told) return
    told.isTelling = true
    try {
      while (told.isDue && this.#links.get(told.link.hub) === told) {
        told.isDue = false
        await this.#catchUp(told)
        told.failures = 0
      }
    } catch (error) {
      const isAgain = this.#o.failed(told.link.hub, error)
      const waitMs = Math.min(AGAIN_AT_MOST_MS, AGAIN_MS * 2 ** told.failures++)
      // The other side may not have seen yet that this is a link.
      if (isAgain) this.#o.after(waitMs, () => void this.#tell(told))
    } finally {
      told.isTelling = false
    }
  }

  /** Until the other hub follows up to the end, or does not follow any further; what it says bounds no call of it. */
  async #catchUp(told: Told): Promise<void> {
    const { capabilities } = this.#o
    const most = Math.ceil(capabilities.revocationSeq / STATEMENTS_AT_ONCE) + MORE_CALLS
    let hasGoneBack = false
    for (let calls = 0; calls < most; calls++) {
      const before = told.seq
      const seq = await this.#say(told)
      told.seq = seq
      if (seq >= capabilities.revocationSeq) return
      // The first answer says where to begin, and a hub that starts anew goes back: once.
      if (before === undefined || seq > before) continue
      if (seq === before || hasGoneBack) return
      hasGoneBack = true
    }
  }

  async #say({ link, seq }: Told): Promise<number> {
    const { capabilities } = this.#o
    const { delegations, statements } = capabilities.revocationsFrom(seq ?? capabilities.revocationSeq)
    const body = newsBytes({ delegations, statements, head: capabilities.revocationHead() })
    const answer = await link.caller.client(capabilitiesService).revoked({ body }, { deadlineMs: TELL_MS })
    return answer.seq
  }
}

export const TELL_EVERY_MS = EXCHANGE_NUMBERS.headEveryS * 1000
