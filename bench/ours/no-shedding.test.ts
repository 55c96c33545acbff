import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import test from 'node:test'

/** What a program learns of its own event loop, in milliseconds, after it was busy for 300. */
function delayMs(flags: readonly string[]): number {
  const program = `
    import { monitorEventLoopDelay } from 'node:perf_hooks'
    const delay = monitorEventLoopDelay({ resolution: 10 })
    delay.enable()
    setTimeout(() => {
      const until = performance.now() + 300
      while (performance.now() < until);
      setTimeout(() => {
        console.log(delay.max / 1e6)
        delay.disable()
      }, 50)
    }, 50)`
  const args = [...flags, '--input-type=module', '--eval', program]
  return Number(execFileSync(process.execPath, args, { encoding: 'utf8' }))
}

test('a node with it preloaded does not see that its event loop is late', () => {
  const preload = ['--import', new URL('./no-shedding.mjs', import.meta.url).href]

  assert.equal(delayMs(preload), 0)
  assert.ok(delayMs([]) > 200)
})
