import { encodeToken, mailboxService, mint, storageService } from '../../protocols/index.ts'
import type { HeldKeys, Operations, ServiceTable } from '../../protocols/index.ts'
import type { Role } from '../ams/access/index.ts'
import { ROLES } from '../ams/access/roles.ts'
import { nodeMacaroonCrypto } from '../macaroon-crypto.ts'

/** What calls over HTTP come from, where those of peers have a peer id. Capabilities can be bound to it. */
export const HTTP_PEER = 'http'

const LASTS_S = 3600
const RENEWED_BEFORE_S = 600
const CAP_ID_BYTES = 16

const verbsOf = ({ operations }: ServiceTable<Operations>): readonly string[] =>
  Object.values(operations).map(({ verb }) => verb)

const READ = [
  'mailbox:peek',
  'mailbox:stats',
  'mailbox:dlq_list',
  'storage:get',
  'storage:has',
  'storage:list',
  'storage:stat',
  'storage:providers'
]
const WRITE = [
  ...READ,
  'mailbox:send',
  'mailbox:recv',
  'mailbox:delete',
  'storage:put',
  'storage:pin',
  'storage:delete'
]
const ADMIN = [...new Set([...verbsOf(mailboxService), ...verbsOf(storageService), 'audit:read'])]

/** What callers with a token may do, by its role. @see specs/http.md, section 2 */
export const ROLE_VERBS: Readonly<Record<Role, readonly string[]>> = {
  none: [],
  read: READ,
  write: WRITE,
  admin: ADMIN
}

/** What callers without a token may do where anybody may write: bring things, and read blobs whose id they know. */
const ANYBODY: readonly string[] = [
  'mailbox:send',
  'storage:put',
  'storage:get',
  'storage:has',
  'storage:stat'
]

/** Whether a verb takes a token wherever anybody may write, too. */
export const needsToken = (verb: string): boolean => !ANYBODY.includes(verb)

/** The least role that may do what needs a verb. */
export const roleFor = (verb: string): Role => ROLES.find(role => ROLE_VERBS[role].includes(verb))!

export interface StandInOptions {
  /** The hub id of this hub. */
  readonly hub: string
  readonly keys: HeldKeys
  /** The id of the tenant in whose name such callers act. */
  readonly tenant: () => string
  /** Unix seconds by the clock that cannot be set back. */
  readonly seconds: () => number
}

interface Made {
  readonly kid: number
  readonly tenant: string
  readonly until: number
  readonly token: Uint8Array
}

/**
 * Capabilities that stand for roles, and for whoever comes to an open hub, so that their calls are judged and counted as all
 * others are. They never leave the process, are bound to HTTP, last an hour, and fall with their root key or their tenant.
 */
export class StandIns {
  readonly #o: StandInOptions
  readonly #made = new Map<Role | 'anybody', Made>()

  constructor(options: StandInOptions) {
    this.#o = options
  }

  /** Undefined for a role that may do nothing. */
  of(role: Role | 'anybody'): Uint8Array | undefined {
    const verbs = role === 'anybody' ? ANYBODY : ROLE_VERBS[role]
    if (verbs.length === 0) return undefined
    const { keys, seconds } = this.#o
    const tenant = this.#o.tenant()
    const made = this.#made.get(role)
    const isGood = made?.kid === keys.current && made.tenant === tenant && seconds() < made.until
    if (isGood) return made.token
    const fresh = this.#make(verbs, tenant)
    this.#made.set(role, fresh)
    return fresh.token
  }

  #make(verb: readonly string[], tenant: string): Made {
    const { hub, keys, seconds } = this.#o
    const kid = keys.current
    const iat = seconds()
    const capId = Buffer.from(nodeMacaroonCrypto.randomBytes(CAP_ID_BYTES)).toString('hex')
    const macaroon = mint(nodeMacaroonCrypto, {
      hub,
      key: keys.chainKey(kid)!,
      capId,
      kid,
      tenant,
      iat,
      caveats: [
        { key: 'verb', value: verb },
        { key: 'peer', value: HTTP_PEER },
        { key: 'expires', value: iat + LASTS_S }
      ]
    })
    const token = encodeToken({ macaroon, discharges: [] })
    return { kid, tenant, until: iat + LASTS_S - RENEWED_BEFORE_S, token }
  }
}
