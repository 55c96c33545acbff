import { execFileSync } from 'node:child_process'
import { availableParallelism } from 'node:os'

/** The core of the node under load, and the one of everything that loads it. */
export const NODE_CORE = 0
export const LOAD_CORE = 1

/** Keeps a process, with all its threads, on one core. @throws where there are not two cores, or no `taskset`. */
export function pin(pid: number, core: number): void {
  if (availableParallelism() <= LOAD_CORE) throw new Error('the load needs a core of its own: two at least')
  try {
    execFileSync('taskset', ['--all-tasks', '--cpu-list', '--pid', String(core), String(pid)], {
      stdio: ['ignore', 'ignore', 'pipe']
    })
  } catch (error) {
    throw new Error(`taskset, of util-linux, does not work here: ${(error as Error).message}`, {
      cause: error
    })
  }
}
