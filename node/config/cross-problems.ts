import { exposureProblems } from '../ams/access/exposure.ts'
import type { Exposure, ExposureProblem } from '../ams/access/exposure.ts'
import { circles, parseRule } from '../mailbox/topic-rules.ts'
import type { ConfigProblem } from './config-error.ts'
import type { RuleFor } from '../mailbox/topic-rules.ts'
import { parseHostPort } from './address.ts'
import type { Config } from './schema.ts'

interface Rule {
  readonly path: string
  readonly broken: (config: Config) => boolean
  readonly message: string
}

const RULES: readonly Rule[] = [
  {
    path: 'strangers.bufferBytes',
    broken: ({ strangers, limits }) => strangers.bufferBytes > limits.inboundBufferBytes,
    message: 'must not exceed limits.inboundBufferBytes'
  },
  {
    path: 'limits.firstFrameTimeoutMs',
    broken: ({ limits }) => limits.firstFrameTimeoutMs > limits.idleTimeoutMs,
    message: 'must not exceed limits.idleTimeoutMs'
  },
  {
    path: 'limits.helloPerSecond',
    broken: ({ limits }) => limits.helloPerSecond > limits.helloBurst,
    message: 'must not exceed limits.helloBurst'
  },
  {
    path: 'mailbox.idemWindowMs',
    broken: ({ mailbox }) => mailbox.idemWindowMs < mailbox.maxVisibilityMs,
    message: 'must not be shorter than mailbox.maxVisibilityMs'
  },
  {
    path: 'mailbox.visibilityMs',
    broken: ({ mailbox }) => mailbox.visibilityMs > mailbox.maxVisibilityMs,
    message: 'must not exceed mailbox.maxVisibilityMs'
  },
  {
    path: 'mirror.core',
    broken: ({ node, mirror }) => node.role === 'mirror' && mirror.core === '',
    message: 'must name the hub that a mirror follows'
  },
  {
    path: 'mailbox.topics',
    broken: ({ mailbox }) => circles(mailbox.topics.map(parseRule).filter(isRule)).length > 0,
    message: 'dead letter topics must not lead in a circle'
  }
]

const isRule = (rule: RuleFor | string): rule is RuleFor => typeof rule !== 'string'

/** What single values cannot show: keys that contradict each other. */
export function crossProblems(config: Config): ConfigProblem[] {
  const broken = RULES.filter(rule => rule.broken(config)).map(({ path, message }) => ({ path, message }))
  return [...broken, ...exposedBy(config, SOME_TOKENS)]
}

/** Tokens stand elsewhere; whether there are any is looked at when the node starts. */
const SOME_TOKENS = { tokens: [{ role: 'admin' }], takesOthers: true } as const

/** Whether callers without a token may write, by all that the configuration says of it. */
export const writeModeOf = ({ gateway, security }: Pick<Config, 'gateway' | 'security'>): 'open' | 'token' =>
  gateway.write_requires_token || security.write_requires_auth ? 'token' : gateway.write_mode

/** Why a node with these tokens may not be reached as it is configured; none where it may. */
export function exposedBy(
  config: Pick<Config, 'http' | 'gateway' | 'security'>,
  known: Pick<Exposure, 'tokens' | 'takesOthers'>
): readonly ExposureProblem[] {
  const { http, gateway } = config
  if (!http.enabled) return []
  return exposureProblems({
    ...known,
    listen: parseHostPort(http.listen)?.host ?? '',
    isRemoteMeant: gateway.remote,
    sandbox: gateway.sandbox,
    writeMode: writeModeOf(config),
    isPrivate: gateway.private,
    isRateLimited: gateway.rate_limits
  })
}
