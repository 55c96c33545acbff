import { LEAST_TREATY, agree, grantOf, readTreaty } from '../../federation/index.ts'
import type { Difference, Treaty, TreatyGrant, TreatyReading } from '../../federation/index.ts'
import {
  CLOCK_SKEW_S,
  auditService,
  capabilitiesService,
  echoService,
  mailboxService
} from '../../protocols/index.ts'
import type { Operations } from '../../protocols/index.ts'
import type { GrantTerms } from '../guards/grant.ts'

const MIB = 1024 * 1024

/**
 * What a hub is given with which nobody has agreed on more: by peer add without a treaty, and by pairing. It is the
 * least that shows both operators that the link works in either direction, since echo reads and writes nothing of
 * anyone; and so little of it that a hub which turns out hostile costs next to nothing. It has no end, because an end
 * that nobody chose comes as an outage.
 */
export const FIRST_TREATY: Treaty = {
  ...LEAST_TREATY,
  verbs: ['echo:call'],
  quotas: { calls_per_s: 10, bytes_per_s: MIB, streams: 4 }
}

const verbsOf = ({ operations }: { readonly operations: Operations }): string[] =>
  Object.values(operations).map(({ verb }) => verb)

/** Verbs of the services that every node has. */
const OWN_VERBS: ReadonlySet<string> = new Set(
  [echoService, capabilitiesService, mailboxService, auditService].flatMap(verbsOf)
)
const OWN_SERVICES: ReadonlySet<string> = new Set([...OWN_VERBS].map(serviceOf))

function serviceOf(verb: string): string {
  return verb.slice(0, verb.indexOf(':'))
}

/**
 * The treaty in a document, or all that is wrong with it. A verb that a service of every node does not have is wrong;
 * those of an application's own services are its matter.
 */
export function readTreatyDocument(
  document: unknown,
  about: Pick<TreatyReading, 'nowS'> = {}
): ReturnType<typeof readTreaty> {
  const { verbs } = (document ?? {}) as { readonly verbs?: unknown }
  const foreign = (Array.isArray(verbs) ? verbs : []).filter(
    (verb): verb is string => typeof verb === 'string' && !OWN_SERVICES.has(serviceOf(verb))
  )
  return readTreaty(document, { ...about, verbs: new Set([...OWN_VERBS, ...foreign]) })
}

/** Shares of a treaty whose tenant is not there, by path. */
export const tenantProblems = ({ rows }: Treaty, isTenant: (id: string) => boolean): readonly string[] =>
  rows.flatMap(({ tenant }, n) =>
    isTenant(tenant)
      ? []
      : [`rows[${n}].tenant: this hub has no tenant ${tenant}; see tenant list, or add it with tenant add`]
  )

/** Where our treaty and what the other hub grants differ; none of it is wrong. */
export const differencesOf = (ours: Treaty, theirs: TreatyGrant): readonly Difference[] =>
  agree(grantOf(ours), theirs).differences

/**
 * What a connection of a linked hub may do by our treaty with it, until that ends or the delegation that its handshake
 * showed, whose `not_after` is given.
 */
export const grantTerms = (
  hub: string,
  { rows, classes, verbs, quotas, expires = Infinity }: Treaty,
  notAfter = Infinity
): GrantTerms => ({
  hub,
  verbs,
  shares: rows.map(({ share: { id }, tenant, dir, topics }) => ({ id, tenant, dir, topics })),
  classes,
  rates: {
    calls: { burst: quotas.calls_per_s, perSecond: quotas.calls_per_s },
    bytes: { burst: quotas.bytes_per_s, perSecond: quotas.bytes_per_s },
    streams: quotas.streams
  },
  expires: Math.min(expires, notAfter + CLOCK_SKEW_S + 1)
})
