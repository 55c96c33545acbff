import type { Capabilities } from './capabilities/index.ts'
import type { Config } from './config/index.ts'
import { dataFolderPaths } from './data-folder.ts'
import type { NodeOptions } from './node-options.ts'
import type { RunningNode } from './running-node.ts'
import type { NodeStatus } from './status.ts'

export type { NodeOptions } from './node-options.ts'

export interface OmnigateNode extends AsyncDisposable {
  /**
   * Resolves once the node serves; a second call gives the same. Whatever had started is stopped when it fails.
   * @throws SetupError for what the operator can mend: busy port, keys, data folder in use, newer format, damaged store.
   */
  start(): Promise<void>
  /** Lets calls under way finish, then stops all parts in reverse order. Safe to call twice. */
  stop(): Promise<void>
  /** What `omnigate status` prints; only after `start`. */
  status(): NodeStatus
  /** Who may do what: for a program that is the operator of the node that it runs. Only after `start`. */
  capabilities(): Capabilities
}

/** A node of `config`, serving echo, the mailbox and the given services; it does nothing before `start`. */
export function createNode(config: Config, options: NodeOptions = {}): OmnigateNode {
  let running: Promise<RunningNode> | undefined
  let started: RunningNode | undefined
  let stopping: Promise<void> | undefined
  const stop = async (): Promise<void> => {
    // A start that failed has stopped what it had started.
    if (running !== undefined)
      await (stopping ??= running.then(
        node => node.stop(),
        () => undefined
      ))
  }
  const theRunning = (): RunningNode => {
    if (started === undefined) throw new Error('the node has not started')
    return started
  }
  return {
    async start() {
      running ??= run(config, options)
      started = await running
    },
    stop,
    status: () => theRunning().status(),
    capabilities: () => theRunning().capabilities,
    [Symbol.asyncDispose]: stop
  }
}

/** What a node is made of is loaded when one starts, so that commands which talk to a running one need not wait for it. */
async function run(config: Config, options: NodeOptions): Promise<RunningNode> {
  const { startNode } = await import('./running-node.ts')
  try {
    return await startNode(config, options)
  } catch (error) {
    if (options.data === undefined) throw error
    const { storeError } = await import('./stores/level.ts')
    throw storeError(dataFolderPaths(options.data).store, error)
  }
}
