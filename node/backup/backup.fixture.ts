import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { loadConfig } from '../config/index.ts'
import { endings } from '../endings.fixture.ts'
import { createNode } from '../node.ts'
import type { OmnigateNode } from '../node.ts'

export const LOCAL = { actor: 'local' }

/** A folder that goes with the test. */
export async function scratch(t: TestContext): Promise<string> {
  const top = await mkdtemp(join(tmpdir(), 'omnigate-backup-'))
  endings(t).defer(() => rm(top, { recursive: true, force: true }))
  return top
}

/** A node that runs on a folder until the test ends. */
export async function nodeOn(
  t: TestContext,
  data: string,
  flags: Record<string, unknown> = {}
): Promise<OmnigateNode> {
  const { config } = loadConfig({
    flags: {
      'node.listen': ['/ip4/127.0.0.1/tcp/0'],
      'http.enabled': false,
      'log.level': 'silent',
      'strangers.loopbackIsKnown': true,
      'capabilities.takesBearer': true,
      ...flags
    }
  })
  const node = createNode(config, { data, init: true })
  endings(t).use(node)
  await node.start()
  return node
}

export const minted = (node: OmnigateNode, members: Record<string, unknown> = {}) =>
  node.capabilities().mint({ verb: 'echo:call', tenant: 'default', bearer: true, ...members }, LOCAL)
