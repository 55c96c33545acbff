import {
  FLAG,
  Frame,
  OapError,
  ServerCall,
  VerifiedTokens,
  chainKey,
  defineService,
  encodeFrame,
  header,
  headerAndBody,
  mint,
  nothing,
  optional,
  subscription,
  tenantBytes,
  text,
  encodeToken,
  unary
} from '../../protocols/index.ts'
import type { Caveat, ConnectionState, Macaroon, Operation } from '../../protocols/index.ts'
import { nodeMacaroonCrypto as crypto } from '../macaroon-crypto.ts'
import { createCallGuard } from './call-guard.ts'
import type { CallGuardOptions, Refused } from './call-guard.ts'
import { GrantQuotas } from './grant-quotas.ts'
import { Grants } from './grants.ts'
import { TokenQuotas } from './token-quotas.ts'

export const HUB = `h1${'a'.repeat(52)}`
export const TENANT = '11111111-2222-3333-4444-555555555555'
export const OTHER_TENANT = '99999999-2222-3333-4444-555555555555'
export const PEER = '12D3KooWpeer'
export const KEY = chainKey(crypto, new Uint8Array(32).fill(7))
export const NOW_S = 1_800_000_000

export const table = defineService({
  name: 'sample',
  app: 0x1001,
  operations: {
    open: unary({ verb: 'sample:open', request: header({}), answer: nothing }),
    read: unary({ verb: 'sample:read', request: headerAndBody({}), answer: nothing }),
    write: unary({
      verb: 'sample:write',
      request: header({ topic: optional(text(100)) }),
      answer: nothing,
      writes: true,
      topic: 'topic'
    }),
    clear: unary({
      verb: 'sample:open',
      request: header({}),
      answer: nothing,
      writes: true,
      relieves: true
    }),
    follow: subscription({ verb: 'sample:read', request: header({}), event: nothing }),
    watch: subscription({
      verb: 'sample:watch',
      request: header({ topic: text(100) }),
      event: nothing,
      writes: true,
      relieves: true,
      topic: 'topic'
    }),
    fetch: unary({
      verb: 'sample:fetch',
      request: header({ cid: optional(text(100)) }),
      answer: nothing,
      content: 'cid'
    }),
    look: unary({
      verb: 'sample:look',
      request: header({ cid: optional(text(100)) }),
      answer: nothing,
      content: 'cid',
      elseAnonymous: true
    })
  }
})

export const plenty = { burst: 1e6, perSecond: 1e6 }

/** A guard of tenants that it knows, with what it recorded and what is to be revoked. */
export function guarding(options: Partial<CallGuardOptions> = {}) {
  const recorded: Refused[] = []
  const gone = new Set<string>()
  const grants = new Grants({
    isActive: tenant => !gone.has(tenant),
    seconds: options.seconds ?? (() => NOW_S)
  })
  const revoked = new Set<string>()
  const quotas = new TokenQuotas({
    mostInFlight: 20_000,
    tenant: tenant =>
      tenant === TENANT
        ? { calls: { burst: 5, perSecond: 1 }, bytes: plenty }
        : { calls: plenty, bytes: plenty }
  })
  const guard = createCallGuard({
    hub: HUB,
    tokens: new VerifiedTokens({
      crypto,
      hub: HUB,
      keys: { current: 1, chainKey: kid => (kid === 1 ? KEY : undefined) }
    }),
    withdrawal: ({ capId }) => (revoked.has(capId) ? new OapError('cap_revoked') : undefined),
    openVerbs: new Set(['sample:open']),
    takesBearer: false,
    quotas,
    grants,
    grantQuotas: new GrantQuotas({ mostInFlight: 20_000 }),
    payerOf: () => undefined,
    shedding: () => 'nothing',
    late: { refuses: () => false },
    writeRefusal: () => 'saturated',
    now: () => 0,
    seconds: () => NOW_S,
    record: refused => {
      recorded.push(refused)
      return Promise.resolve()
    },
    ...options
  })
  return { guard, grants, recorded, revoked, gone }
}

export const minted = (
  caveats: readonly Caveat[] = [],
  tenant = OTHER_TENANT,
  capId = 'ab'.repeat(16)
): Macaroon =>
  mint(crypto, {
    hub: HUB,
    key: KEY,
    capId,
    kid: 1,
    tenant,
    iat: NOW_S,
    caveats: [{ key: 'expires', value: NOW_S + 900 }, { key: 'peer', value: PEER }, ...caveats]
  })

export const bytesOf = (macaroon: Macaroon): Uint8Array => encodeToken({ macaroon, discharges: [] })

export class Connection {
  readonly peer = PEER
  isProved = false
  proved(): void {
    this.isProved = true
  }
}

export interface Asked {
  readonly op?: keyof typeof table.operations
  readonly header?: Record<string, string>
  readonly tenant?: string
  readonly peer?: string
  readonly connection?: Connection
  readonly bodyBytes?: number
}

export function headOf(cap: Uint8Array, asked: Asked = {}) {
  const { op = 'write', header: members = {}, tenant, peer = PEER, connection = new Connection() } = asked
  const bytes = encodeFrame({
    flags: FLAG.REQ | FLAG.START | FLAG.END,
    app: table.app,
    corr: 1,
    cap,
    ...(tenant !== undefined && { tenant: tenantBytes(tenant)! })
  })
  const call = new ServerCall(new Frame(bytes, 0, bytes.length), peer, 0)
  const row: Operation = table.operations[op]
  const served = { service: 'sample', name: op, row, handler: () => undefined }
  const { bodyBytes = 0 } = asked
  return {
    connection: connection as unknown as ConnectionState,
    call,
    served,
    header: members,
    cap,
    bodyBytes
  }
}

export const NONE = new Uint8Array(0)
export const reasonOf = (error: OapError | undefined) => error && [error.code, error.reason]
