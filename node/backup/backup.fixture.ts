import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { endings } from '../endings.fixture.ts'
import type { OmnigateNode } from '../node.ts'
import { runningNode } from '../running-node.fixture.ts'

export const LOCAL = { actor: 'local' }

/** A folder that goes with the test. */
export async function scratch(t: TestContext): Promise<string> {
  const top = await mkdtemp(join(tmpdir(), 'omnigate-backup-'))
  endings(t).defer(() => rm(top, { recursive: true, force: true }))
  return top
}

/** A node that runs on a folder until the test ends. */
export const nodeOn = (
  t: TestContext,
  data: string,
  flags: Record<string, unknown> = {}
): Promise<OmnigateNode> => runningNode(t, { data, flags })

export const minted = (node: OmnigateNode, members: Record<string, unknown> = {}) =>
  node.capabilities().mint({ verb: 'echo:call', tenant: 'default', bearer: true, ...members }, LOCAL)
