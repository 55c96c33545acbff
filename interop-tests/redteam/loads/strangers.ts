import { setTimeout as sleep } from 'node:timers/promises'
import { warmUp } from '../honest.ts'
import { printTable } from '../table.ts'
import { KNOWN_NETWORK } from '../target-messages.ts'
import { Target } from '../target.ts'
import { HelperProcess } from './helper-process.ts'
import type { Latency } from './honest-process.ts'

const MB = 1e6
const P99_RATIO_MOST = 2
const SETTLE_MS = 3000
const SIZES = { full: { strangers: 500, seconds: 30 }, short: { strangers: 100, seconds: 5 } } as const

/**
 * Strangers who take all they can get, while 10 known clients work. The share of strangers is raised so that every one
 * of them holds a connection; with the default they would be refused beyond 250.
 */
export async function strangers(full: boolean): Promise<boolean> {
  const { strangers: many, seconds } = full ? SIZES.full : SIZES.short
  await using target = await Target.start({
    'http.enabled': false,
    'transport.maxConnections': many * 4 + 200
  })
  await warmUp(target.address, `${KNOWN_NETWORK}1`)
  const idle = await target.settledBytes()
  await using honest = new HelperProcess(new URL('./honest-process.ts', import.meta.url), [target.address])
  await honest.ask<Latency>('measure', { seconds: 2 })
  const atQuiet = target.cpuSeconds()
  const quiet = await honest.ask<Latency>('measure', { seconds })
  const quietCpu = target.cpuSeconds() - atQuiet
  await using attack = new HelperProcess(new URL('./strangers-process.ts', import.meta.url), [target.address])
  const connected = await attack.ask<number>('attack', { strangers: many })
  await sleep(SETTLE_MS)
  const watch = setInterval(() => target.rssBytes(), 200)
  await target.turns()
  const atAttack = target.cpuSeconds()
  const loaded = await honest.ask<Latency>('measure', { seconds })
  const loadedCpu = target.cpuSeconds() - atAttack
  clearInterval(watch)
  const turns = await target.turns()
  const status = await target.status()
  const kept = await target.memory()
  const told = await attack.ask<{ streamsOpened: number; refusals: number }>('tell')
  await attack[Symbol.asyncDispose]()
  await sleep(SETTLE_MS)
  const after = await target.settledBytes(idle)

  const row = (name: string, { calls, failed, p50Ms, p99Ms }: Latency): string[] => [
    name,
    String(calls),
    String(failed),
    p50Ms.toFixed(2),
    p99Ms.toFixed(2)
  ]
  printTable(
    ['10 known clients', 'calls', 'failed', 'p50 ms', 'p99 ms'],
    [row('alone', quiet), row('attacked', loaded)]
  )
  const ratio = loaded.p99Ms / quiet.p99Ms
  console.log(
    `${connected} strangers connected, ${told.streamsOpened} streams opened, ${told.refusals} refusals; ` +
      `sessions ${JSON.stringify(status['sessions'])}, calls ${JSON.stringify(status['calls'])}, ` +
      `held ${JSON.stringify(status['inbound_held_bytes'])} bytes`
  )
  console.log(
    `processor of the node: alone ${((quietCpu / seconds) * 100).toFixed(0)} %, attacked ${((loadedCpu / seconds) * 100).toFixed(0)} %; ` +
      `its turns under attack: p99 ${turns.p99Ms.toFixed(1)} ms, longest ${turns.mostMs.toFixed(0)} ms`
  )
  console.log(
    `memory: idle ${(idle / MB).toFixed(0)} MB, most under attack +${((target.peakBytes - idle) / MB).toFixed(0)} MB, ` +
      `without garbage +${((kept.rss - idle) / MB).toFixed(0)} MB (heap ${(kept.heapUsed / MB).toFixed(0)} MB, buffers ${(kept.arrayBuffers / MB).toFixed(0)} MB), ` +
      `after +${((after - idle) / MB).toFixed(1)} MB`
  )
  const faults = target.takeFaults()
  for (const fault of faults) console.log(fault)
  const passes = ratio <= P99_RATIO_MOST && loaded.failed === 0 && quiet.failed === 0 && faults.length === 0
  console.log(`p99 ratio ${ratio.toFixed(2)}, at most ${P99_RATIO_MOST}: ${passes ? 'pass' : 'FAIL'}`)
  return passes
}
