import { NEWS_REFUSALS, isRevoked, publicBytes, signingKey } from '../../federation/index.ts'
import { EXCHANGE_VERB, OapError } from '../../protocols/index.ts'
import type { ServiceTable } from '../../protocols/index.ts'
import type { Allowlist } from '../allowlist/index.ts'
import { auditEvent } from '../audit/index.ts'
import type { ExchangeHandlers } from '../capabilities/index.ts'
import {
  FollowedHubs,
  Granting,
  Obtaining,
  Origins,
  TELL_EVERY_MS,
  Telling,
  exchangeHandlers,
  verbWays
} from '../exchange/index.ts'
import { BucketTable } from '../guards/bucket-table.ts'
import { thisMoment } from '../links/index.ts'
import type { NodeStore } from '../stores/node-store.ts'
import type { NodeAudit } from './audit.ts'
import type { NodeBase } from './base.ts'
import type { Rights } from './capabilities.ts'
import type { Identity } from './identity.ts'
import type { NodeLinks } from './links.ts'
import type { NodePeerKeys } from './peer-keys.ts'

const SEED_BYTES = 32
/** As many as may be on an allowlist. */
const MOST_HUBS = 1024
/** Entries and lines about what one hub says wrongly; the rest is counted. */
const RECORDED = { burst: 8, perSecond: 1 / 60 }
/** So late at most a call ends after the word of a hub has become too old. */
const EXPIRE_EVERY_MS = 500
/** The other hub will answer the same in a second. */
const NEVER_MIND: readonly string[] = ['cap_denied', 'unknown_operation', 'unknown_app']

export interface ExchangePlace {
  readonly store: NodeStore
  readonly audit: NodeAudit
  readonly rights: Pick<Rights, 'capabilities' | 'seconds'>
  readonly allowlist: Allowlist
  readonly peerKeys: Pick<NodePeerKeys, 'known'>
  readonly links: Pick<NodeLinks, 'live' | 'addresses'>
  /** All services of the node. */
  readonly services: readonly ServiceTable[]
}

export interface NodeExchange {
  readonly handlers: ExchangeHandlers
  /** Calls `listener` when rights of another hub may have fallen. */
  readonly onChange: (listener: () => void) => void
}

/** Exchanges capabilities with linked hubs, tells them what this one revokes, and hears what they revoke. */
export async function openExchange(
  base: NodeBase,
  { keys }: Identity,
  {
    store,
    audit,
    rights,
    allowlist,
    peerKeys: { known },
    links: { live: links, addresses },
    services
  }: ExchangePlace
): Promise<NodeExchange> {
  const { log, metrics, started } = base
  const { capabilities, seconds } = rights
  const now = () => ({ ms: thisMoment().ms, s: seconds() })
  const followed = await FollowedHubs.open(() => store.level, {
    now,
    isKeyRevoked: (hub, key) => isRevoked(known.book(hub), key)
  })
  const listeners = new Set<() => void>()
  const changed = (): void => {
    for (const listener of listeners) listener()
  }
  const allowed = (hub: string) => {
    const entry = allowlist.get(hub)
    const isOut = entry === undefined || allowlist.isOver(entry) || known.quarantine(hub) !== undefined
    return isOut ? undefined : entry
  }
  const origins = new Origins({ allowed, followed })
  capabilities.judgeElsewhere(origins)
  const record = (event: Parameters<NodeAudit['append']>[0]): Promise<void> => audit.append(event)
  const ways = verbWays(services)
  const key = signingKey(keys.nodeKey.raw.subarray(0, SEED_BYTES))
  const obtaining = new Obtaining({
    self: keys.hubId,
    signer: {
      key,
      publicKey: Buffer.from(publicBytes(key)).toString('hex'),
      epoch: keys.delegation.statement.epoch
    },
    ways,
    nowS: seconds,
    find: hub => allowlist.find(hub),
    callerOf: hub => {
      const link = links.of(hub)
      if (link !== undefined) return link.caller
      throw new OapError('not_found', `hub ${hub}: there is no link`, { code: 'no_link' })
    },
    record
  })
  const granting = new Granting({
    self: keys.hubId,
    now,
    ways,
    allowed,
    bookOf: hub => known.book(hub),
    capabilities,
    followed,
    origins,
    record
  })
  const telling = new Telling({
    capabilities,
    isHeard: hub => links.theirs(hub)?.verbs.includes(EXCHANGE_VERB) === true,
    failed: (hub, error) => {
      const isOap = error instanceof OapError
      if (isOap && NEVER_MIND.includes(error.counted)) return false
      log.debug({ event: 'RevocationsNotTold', hub, err: error }, 'a linked hub was not told what is revoked')
      return true
    },
    after: (ms, run) => void setTimeout(run, ms).unref()
  })
  metrics.gauge('followed_revocations', 'Revocations of other hubs that are known.', () => followed.size)
  followed.onChange(changed)
  started.defer(known.onChange(changed))
  started.defer(
    allowlist.onChange(({ hub, change }) => {
      if (change === 'remove')
        followed.forget(hub).catch((err: unknown) => {
          log.warn(
            { event: 'FollowedNotForgotten', hub, err },
            'what a hub had revoked could not be forgotten'
          )
        })
      changed()
    })
  )
  started.defer(
    links.onChange(({ link, end }) => {
      if (end === undefined) telling.up(link)
      else telling.down(link)
    })
  )
  started.defer(capabilities.onRevocation(() => telling.tellAll()))
  const heads = setInterval(() => telling.tellAll(), TELL_EVERY_MS).unref()
  const expiry = setInterval(() => {
    for (const hub of followed.expire())
      log.warn({ event: 'RevocationsSilent', hub }, 'a hub has not said for a minute what it has revoked')
  }, EXPIRE_EVERY_MS).unref()
  started.defer(() => {
    clearInterval(heads)
    clearInterval(expiry)
  })
  const refused = metrics.counters(
    'revocations_refused_total',
    'What other hubs said of their revocations that was not taken.',
    'reason',
    NEWS_REFUSALS
  )
  const said = new BucketTable(MOST_HUBS)
  const handlers = exchangeHandlers({
    obtaining,
    granting,
    followed,
    linkOf: hub => {
      const link = links.of(hub)
      return link && { hub, delegation: link.peer.delegation }
    },
    addresses,
    heard: (hub, { problem }) => {
      if (problem === undefined) return
      refused(problem)
      const { ms } = now()
      if (said.get(hub, RECORDED, ms).take(1, ms) > 0) return
      log.warn({ event: 'RevocationsNotTaken', hub, problem }, 'what a hub says of its revocations is wrong')
      record(auditEvent('revocations_refused', `hub:${hub}`, { hub, code: problem })).catch(
        (err: unknown) => {
          log.warn({ event: 'AuditMissed', hub, err }, 'what a hub said wrongly could not be recorded')
        }
      )
    },
    now: () => now().ms
  })
  return { handlers, onChange: listener => void listeners.add(listener) }
}
