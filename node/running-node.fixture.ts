import type { TestContext } from 'node:test'
import { loadConfig } from './config/index.ts'
import { endings } from './endings.fixture.ts'
import type { NodeOptions } from './node-options.ts'
import { createNode } from './node.ts'
import type { OmnigateNode } from './node.ts'

export interface Running {
  /** The folder that it runs on, made when it is new; in memory without one. */
  readonly data?: string | undefined
  readonly flags?: Record<string, unknown>
  readonly options?: NodeOptions
}

/** A machine that others keep busy is no overload: what tests that looks with a bound of its own. */
const HOUR_MS = 3_600_000

/** A node that runs until the test ends: callers on loopback are known, and it takes bearer tokens. */
export async function runningNode(
  t: TestContext,
  { data, flags = {}, options = {} }: Running = {}
): Promise<OmnigateNode> {
  const { config } = loadConfig({
    flags: {
      'node.listen': ['/ip4/127.0.0.1/tcp/0'],
      'http.enabled': false,
      'log.level': 'silent',
      'strangers.loopbackIsKnown': true,
      'capabilities.takesBearer': true,
      'limits.maxDelayMs': HOUR_MS,
      ...flags
    }
  })
  const node = createNode(config, { ...(data !== undefined && { data, init: true }), ...options })
  endings(t).use(node)
  await node.start()
  return node
}
