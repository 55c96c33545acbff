import { OapError, TokenBucket, clampRetryAfter } from '../../protocols/index.ts'
import type { Call } from '../../protocols/index.ts'
import type { By, ExchangeHandlers } from '../capabilities/index.ts'
import type { FollowedHubs, Heard } from './followed-hubs.ts'
import type { AskingLink, Granting } from './granting.ts'
import { newsIn } from './news-text.ts'
import type { Obtaining } from './obtaining.ts'

const HUB = 'hub:'
const EMPTY = new Uint8Array(0)
/** News of one hub: so many at once, and so many a second. */
const NEWS_AT_ONCE = 100
const NEWS_A_SECOND = 20
const MOST_HUBS = 1024

export interface ExchangeParts {
  readonly obtaining: Pick<Obtaining, 'obtain'>
  readonly granting: Pick<Granting, 'exchange'>
  readonly followed: Pick<FollowedHubs, 'hear'>
  /** The link with a hub; undefined where there is none. */
  readonly linkOf: (hub: string) => AskingLink | undefined
  /** Where this node can be dialled. */
  readonly addresses: () => readonly string[]
  /** Hears what another hub said of its revocations. */
  readonly heard: (hub: string, heard: Heard) => void
  /** Milliseconds that never go back. */
  readonly now: () => number
}

/** What holders ask for, and what linked hubs say to each other. @see specs/federation-links.md, section 12 */
export function exchangeHandlers(parts: ExchangeParts): ExchangeHandlers {
  const rates = new Map<string, TokenBucket>()
  const admitNews = (hub: string): void => {
    const now = parts.now()
    if (!rates.has(hub) && rates.size >= MOST_HUBS) rates.clear()
    const rate = rates.get(hub) ?? new TokenBucket(NEWS_AT_ONCE, NEWS_A_SECOND, now)
    rates.set(hub, rate)
    const wait = rate.take(1, now)
    if (wait > 0)
      throw new OapError('quota_capability', 'too much is told of revocations', {
        retryAfterMs: clampRetryAfter(wait)
      })
  }
  const linkOf = ({ granted }: Call): AskingLink => {
    const hub = granted?.principal.startsWith(HUB) === true ? granted.principal.slice(HUB.length) : undefined
    const link = hub === undefined ? undefined : parts.linkOf(hub)
    if (link !== undefined) return link
    throw new OapError('not_allowlisted', 'this connection is no link')
  }

  return {
    obtain: async ({ hub, verb, topic, share }, call) => {
      if (call.capability === undefined)
        throw new OapError('cap_missing', 'the call must show the capability to exchange')
      const wish = {
        hub,
        verbs: listOf(verb),
        topics: topic === undefined ? undefined : listOf(topic),
        share
      }
      const { capId, kid, expires, token, addresses } = await parts.obtaining.obtain(
        wish,
        call.capability,
        byOf(call)
      )
      return { cap_id: capId, kid, expires, addresses: addresses.slice(0, 16), body: token }
    },

    exchange: async ({ body = EMPTY }, call) => {
      const { capId, kid, expires, token } = await parts.granting.exchange(linkOf(call), body, byOf(call))
      return { cap_id: capId, kid, expires, addresses: parts.addresses().slice(0, 16), body: token }
    },

    revoked: async ({ body = EMPTY }, call) => {
      const { hub } = linkOf(call)
      admitNews(hub)
      const heard = await parts.followed.hear(hub, newsIn(body))
      parts.heard(hub, heard)
      return { seq: heard.seq }
    }
  }
}

const listOf = (text: string): readonly string[] => text.split(',')

const byOf = ({ principal, corrId }: Call): By => ({
  actor: principal,
  ...(corrId !== 0n && { corrId: corrId.toString(16).padStart(16, '0') })
})
