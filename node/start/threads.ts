import { isThreadTopic, refusalName, takeShared, ThreadOutbox, topicOfThread } from '../ams/threads/index.ts'
import { judgedInSandbox, mayFederate } from '../ams/access/index.ts'
import type { PostingRules, Verdict } from '../ams/posting.ts'
import { EnvelopeRefusal } from '../ams/refusal.ts'
import type { AmsStores } from '../ams/routes/index.ts'
import type { Config } from '../config/index.ts'
import { traced, traceparentOf } from '../http/index.ts'
import { OapError } from '../../protocols/index.ts'
import type { Elsewhere, Shares } from '../shares/index.ts'
import type { KeptEnvelope } from '../stores/ams/index.ts'
import type { NodeBase } from './base.ts'
import type { Rights } from './capabilities.ts'

const OPENS_WITHIN_MS = 10_000

/** Envelopes of threads that other hubs have, too, between AMS and the shares. */
export interface NodeThreads {
  /** Where messages of their topics go. */
  readonly elsewhere: Elsewhere
  /** Whether an envelope that was posted here goes to other hubs once it is accepted. */
  readonly goesOut: (envelope: Pick<KeptEnvelope, 'immutable'>) => boolean
  /** Something may be there to go. */
  readonly kick: () => void
  /** Resolves once no other hub is given what the envelope of a digest said, durably. */
  readonly withdraw: (sha256: string) => Promise<void>
  /** What AMS keeps is open; undefined when that ends. */
  readonly stores: (stores: AmsStores | undefined, rules: PostingRules) => void
}

export interface ThreadsPlace {
  readonly rights: Pick<Rights, 'capabilities'>
  readonly servesAms: boolean
  /** Asked when there is something to do. */
  readonly shares: () => Shares
}

/** Has envelopes of federated threads go to other hubs, and come from them. @see specs/ams.md, section 15 */
export function openThreads(base: NodeBase, { rights, servesAms, shares }: ThreadsPlace): NodeThreads {
  const { config, log, metrics, started, writes } = base
  const { gateway } = config
  let open: { readonly stores: AmsStores; readonly rules: PostingRules } | undefined
  let opening = Promise.withResolvers<void>()
  let [sent, taken, withdrawn] = [0, 0, 0]
  const tenantId = (): string | undefined => tenantOf(rights, gateway.tenant)
  const outbox = new ThreadOutbox({
    envelopes: () => open?.stores.envelopes,
    async send({ topic, body, attrs, key, isWithdrawn, of }) {
      const tenant = tenantId()
      if (tenant === undefined) return false
      return await shares().send({ tenant, topic, body, attrs }, [[key, undefined]], { isWithdrawn, of })
    },
    sent: (sha256, trace) => {
      sent++
      log.info({ event: 'EnvelopeShared', sha256, ...traced(trace) }, 'an envelope goes to other hubs')
    },
    failed: err => log.warn({ event: 'EnvelopeNotShared', err }, 'envelopes wait to go to other hubs'),
    after: (ms, run) => void setTimeout(run, ms).unref()
  })
  started.defer(() => outbox.stop())
  metrics.counter('ams_threads_sent_total', 'Envelopes that went to other hubs.', () => sent)
  metrics.counter('ams_threads_taken_total', 'Envelopes of other hubs that were kept.', () => taken)
  metrics.counter(
    'ams_threads_withdrawn_total',
    'Redacted envelopes of which other hubs are given no more.',
    () => withdrawn
  )
  const opened = async (): Promise<NonNullable<typeof open>> => {
    if (open === undefined) await within(opening.promise, OPENS_WITHIN_MS)
    if (open === undefined) throw new OapError('not_ready', 'envelopes are not open')
    return open
  }
  const accepted = (reasons: readonly string[]) => (): Verdict => {
    const verdict: Verdict = { status: 'accepted', reasons }
    return writes.sandbox === '' ? verdict : judgedInSandbox<Verdict['status']>(verdict)
  }
  const take: Elsewhere['take'] = async ({ statement, body, reasons }) => {
    const { hub, share, number, topic, attrs, comp, e2e } = statement
    const { stores, rules } = await opened()
    const isClosed = comp === true || e2e === true
    const trace = traceparentOf(attrs ?? {})
    const message = { hub, share, number, topic, body, trace, isClosed }
    const said = { hub, share, number, ...traced(trace) }
    try {
      const taking = { ...rules, accepted: accepted(reasons) }
      const { isNew, stored } = await takeShared(message, stores.envelopes, taking, Date.now())
      if (isNew) taken++
      log.info(
        { event: 'EnvelopeTaken', sha256: stored.sha256, ...said },
        'an envelope of another hub is here'
      )
      // Asked first, so that no redaction falls between the two.
      const out = stores.envelopes.goingOut(stored.place)
      const isRedacted = (await stores.envelopes.at(stored.place))?.isRedacted === true
      return {
        of: stored.sha256,
        isWithdrawn: () => isRedacted || out.isWithdrawn,
        [Symbol.dispose]: out.over
      }
    } catch (error) {
      if (!(error instanceof EnvelopeRefusal)) throw error
      const { code, message: problem } = error
      log.warn({ event: 'EnvelopeRefused', code, problem, ...said }, 'another hub sent what is not kept here')
      return refusalName(error)
    }
  }
  return {
    elsewhere: {
      has: (tenant, topic) => servesAms && isThreadTopic(topic) && tenant === tenantId(),
      take
    },
    goesOut: ({ immutable }) => {
      const topic = topicOfThread(immutable.thread)
      const tenant = tenantId()
      if (topic === undefined || tenant === undefined || !mayFederate(writes.sandbox, 'accepted'))
        return false
      return shares().goesOut(tenant, topic)
    },
    kick: () => outbox.kick(),
    withdraw: async sha256 => {
      await shares().withdraw(sha256)
      withdrawn++
    },
    stores: (stores, rules) => {
      open = stores && { stores, rules }
      if (stores === undefined) opening = Promise.withResolvers<void>()
      else {
        opening.resolve()
        outbox.kick()
      }
    }
  }
}

function tenantOf(
  { capabilities }: ThreadsPlace['rights'],
  name: Config['gateway']['tenant']
): string | undefined {
  try {
    return capabilities.tenant(name).id
  } catch (error) {
    if (error instanceof OapError) return undefined
    throw error
  }
}

async function within(opening: Promise<void>, ms: number): Promise<void> {
  const late = Promise.withResolvers<void>()
  const timer = setTimeout(late.resolve, ms)
  await Promise.race([opening, late.promise])
  clearTimeout(timer)
}
