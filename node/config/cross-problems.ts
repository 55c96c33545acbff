import type { ConfigProblem } from './config-error.ts'
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
  }
]

/** What single values cannot show: keys that contradict each other. */
export function crossProblems(config: Config): ConfigProblem[] {
  return RULES.filter(rule => rule.broken(config)).map(({ path, message }) => ({ path, message }))
}
