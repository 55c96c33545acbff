import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/**
 * Runs a script that prints a number a line, without end, and kills it right after its `times`-th line. Yields the last
 * number that it printed: what it said it had done before it died.
 */
export async function lastBeforeKilled(script: string, times: number): Promise<number> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const ended = once(child, 'exit')
  let told = 0
  let left = times
  for await (const line of createInterface(child.stdout)) {
    told = Number(line)
    if (--left === 0) child.kill('SIGKILL')
  }
  await ended
  return told
}
