import { OapError, adminService } from '../../protocols/index.ts'
import type { Call, CapRow, Handlers, TenantRow, capabilityAdminOperations } from '../../protocols/index.ts'
import { operatorOf } from './audit.ts'
import type { Capabilities } from './capabilities.ts'
import type { MintRequest } from './mint-policy.ts'
import type { MintedRight } from './minted-list.ts'
import type { Revoked } from './revocation-statement.ts'
import type { AppLimits, Tenant } from './tenants.ts'

export type CapabilityAdmin = Handlers<typeof capabilityAdminOperations>

/** The call of an operator who works on the data folder of a stopped node. */
export const OPERATOR_CALL: Call = {
  corrId: 0n,
  app: adminService.app,
  peer: 'local',
  principal: 'local',
  tenant: '00000000-0000-0000-0000-000000000000',
  capability: undefined,
  isE2e: false,
  signal: new AbortController().signal,
  body: (async function* () {})()
}

/** The operator's rows: served on the admin socket, or called with `OPERATOR_CALL` where no node runs. */
export const capabilityAdmin = (capabilities: Capabilities): CapabilityAdmin => ({
  cap_mint: async (request, call) => {
    const { capId, kid, tenant, expires, token } = await capabilities.mint(
      request as MintRequest,
      operatorOf(call)
    )
    return { cap_id: capId, kid, tenant, expires, body: token }
  },

  cap_rotate: async ({ grace_s, break_glass = false }, call) => {
    const graceMs = grace_s === undefined ? {} : { graceMs: grace_s * 1000 }
    const rotation = await capabilities.rotate({ ...graceMs, breakGlass: break_glass }, operatorOf(call))
    const { kid, previous, graceUntil } = rotation
    return { kid, previous, ...(graceUntil !== undefined && { grace_until: Math.floor(graceUntil / 1000) }) }
  },

  cap_rotate_revocation: async (_request, call) => {
    const { epoch, publicKey } = await capabilities.rotateRevocationKey(operatorOf(call))
    return { epoch, key: publicKey }
  },

  cap_revoke: async ({ reason, ...things }, call) => {
    const statements = await capabilities.revoke(oneThing(things), reason, operatorOf(call))
    return { seq: capabilities.revocationSeq, statements }
  },

  cap_verify: ({ verb, app = 0, topic, content, bytes = 0, writes = false, peer = '', body }) => {
    const use = { verb, app, topic, content, bytes, writes, peer, tenantId: undefined }
    const refusal = capabilities.refusal(body ?? NO_TOKEN, use)
    return refusal === undefined ? { allowed: true } : { allowed: false, ...answerOf(refusal) }
  },

  cap_list: () => each(capabilities.list().map(capRow)),

  tenant_add: async ({ name, id }, call) => {
    const tenant = await capabilities.addTenant({ name, id }, operatorOf(call))
    return tenantRow(capabilities, tenant)
  },

  tenant_list: () => each(capabilities.tenants().map(tenant => tenantRow(capabilities, tenant))),

  tenant_show: ({ tenant }) => tenantRow(capabilities, capabilities.tenant(tenant)),

  tenant_limit: async ({ tenant, app, reset = false, ...asked }, call) => {
    const limits = reset ? undefined : limitsOf(asked)
    return tenantRow(capabilities, await capabilities.limitTenant(tenant, { limits, app }, operatorOf(call)))
  },

  tenant_remove: async ({ tenant, purge = false }, call) =>
    tenantRow(capabilities, await capabilities.removeTenant(tenant, { purge }, operatorOf(call)))
})

const NO_TOKEN = new Uint8Array(0)

const answerOf = ({ code, reason, message }: OapError) => ({
  code,
  message,
  ...(reason !== undefined && { reason })
})

function oneThing(things: object): Revoked {
  const [thing, ...more] = Object.entries(things).filter(([, value]) => value !== undefined)
  if (thing === undefined || more.length > 0)
    throw new OapError('bad_request', 'one of cap_id, kid and subject')
  return Object.fromEntries([thing]) as Revoked
}

interface AskedLimits {
  readonly calls_per_second?: number | undefined
  readonly burst?: number | undefined
  readonly bytes_per_second?: number | undefined
}

function limitsOf({ calls_per_second, burst, bytes_per_second }: AskedLimits): Partial<AppLimits> {
  const limits = {
    ...(calls_per_second !== undefined && { callsPerSecond: calls_per_second }),
    ...(burst !== undefined && { burst }),
    ...(bytes_per_second !== undefined && { bytesPerSecond: bytes_per_second })
  }
  if (Object.keys(limits).length > 0) return limits
  throw new OapError('bad_request', 'say a limit: calls_per_second, burst, bytes_per_second or reset')
}

const capRow = ({ capId, kids, tenant, verbs, expires }: MintedRight): CapRow => ({
  cap_id: capId,
  kid: kids.at(-1)!,
  tenant,
  verb: verbs.join(','),
  expires
})

function tenantRow(capabilities: Capabilities, { id, name, state, addedAt, apps }: Tenant): TenantRow {
  // No app has the id 0 for itself, so these are the limits of all that have none of their own.
  const { callsPerSecond, burst, bytesPerSecond } = capabilities.limitsOf(id, 0)
  const own = Object.keys(apps).map(app => appText(Number(app), capabilities.limitsOf(id, Number(app))))
  return {
    id,
    name,
    state,
    added_at: addedAt,
    calls_per_second: callsPerSecond,
    burst,
    bytes_per_second: bytesPerSecond,
    apps: own.join(',')
  }
}

const appText = (app: number, { callsPerSecond, burst, bytesPerSecond }: AppLimits): string =>
  `0x${app.toString(16).padStart(4, '0')} ${callsPerSecond}/s ${burst} ${bytesPerSecond}/s`

async function* each<T>(rows: readonly T[]): AsyncGenerator<T> {
  yield* rows
}
