import type { WriteMode } from './identify.ts'
import type { StaticToken } from './static-tokens.ts'

/** Who can reach a hub over HTTP, and what stands between. */
export interface Exposure {
  /** The address that it listens on. */
  readonly listen: string
  /** Whether the operator said that another address than loopback is meant. */
  readonly isRemoteMeant: boolean
  /** The name by which a hub is an open sandbox for everybody, or empty. */
  readonly sandbox: string
  readonly writeMode: WriteMode
  readonly isPrivate: boolean
  readonly tokens: readonly Pick<StaticToken, 'role'>[]
  /** Whether capabilities are taken, or whoever else can say who somebody is. */
  readonly takesOthers: boolean
  readonly isRateLimited: boolean
}

export interface ExposureProblem {
  /** The key of the configuration to change. */
  readonly path: string
  readonly message: string
}

export const PUBLIC_SANDBOX = 'public'

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[?::1\]?)$/

interface Rule extends ExposureProblem {
  readonly broken: (exposure: Exposure) => boolean
}

/** Whether an address that is listened on is one of others than this machine. */
export const exposesHttp = (listen: string): boolean => !LOOPBACK.test(listen)

const isRemote = ({ listen }: Exposure): boolean => exposesHttp(listen)
const isSandbox = ({ sandbox }: Exposure): boolean => sandbox === PUBLIC_SANDBOX
const has = ({ tokens }: Exposure, role: StaticToken['role']): boolean =>
  tokens.some(token => token.role === role)

const RULES: readonly Rule[] = [
  {
    path: 'gateway.sandbox',
    broken: ({ sandbox }) => sandbox !== '' && sandbox !== PUBLIC_SANDBOX,
    message: `must be empty or ${PUBLIC_SANDBOX}`
  },
  {
    path: 'http.listen',
    broken: each => isRemote(each) && !each.isRemoteMeant && !isSandbox(each),
    message: 'must be a loopback address unless gateway.remote is true'
  },
  {
    path: 'http.listen',
    broken: each => isRemote(each) && each.tokens.length === 0 && !each.takesOthers && !isSandbox(each),
    message: 'is no loopback address, and nobody has a token: add one, or listen on 127.0.0.1'
  },
  {
    path: 'gateway.write_mode',
    broken: each => isRemote(each) && each.writeMode === 'open' && !isSandbox(each),
    message: `must be token where others can reach it; an open sandbox for everybody needs gateway.sandbox = "${PUBLIC_SANDBOX}"`
  },
  {
    path: 'gateway.write_mode',
    broken: ({ writeMode, isPrivate }) => writeMode === 'open' && isPrivate,
    message: 'must be token where reading needs one'
  },
  {
    path: 'gateway.sandbox',
    broken: each => isSandbox(each) && each.writeMode !== 'open',
    message: 'must be empty where write_mode is token'
  },
  {
    path: 'gateway.sandbox',
    broken: each => isSandbox(each) && !each.isRateLimited,
    message: 'needs rate limits: turn them on'
  },
  {
    path: 'gateway.sandbox',
    broken: each => isSandbox(each) && !has(each, 'admin'),
    message: 'needs an ADMIN token, for whoever moderates it: omnigate token add NAME --role admin --data DIR'
  }
]

/** Why a hub may not be reached like this; none where it may. */
export const exposureProblems = (exposure: Exposure): readonly ExposureProblem[] =>
  RULES.filter(({ broken }) => broken(exposure)).map(({ path, message }) => ({ path, message }))
