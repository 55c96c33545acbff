import { nodeFlags } from '../../bin/runtime.mjs'
import { Child } from '../harness/child.ts'
import { interleaved } from '../harness/rounds.ts'
import type { Row } from '../harness/row.ts'
import { median, rounded, spread } from '../harness/statistics.ts'
import { atMost } from '../harness/verdict.ts'
import type { Paced } from '../ours/gateway-caller.ts'

const ADDED_MOST_MS = 5
const MARGIN_MS = 30_000
const FULL = { perSecond: 1000, forMs: 5000, warmMs: 15_000 }
const SMOKE = { perSecond: 100, forMs: 200, warmMs: 200 }
const WAYS = ['http', 'oap'] as const

export const p17: Row = {
  id: 'P17',
  summary: 'what the HTTP gateway adds to a call over OAP, at 1,000 requests a second',
  async run({ smoke, rounds, say }) {
    const pace = smoke ? SMOKE : FULL
    await using node = Child.start(
      'node',
      new URL('../ours/gateway-node.ts', import.meta.url),
      [],
      [...nodeFlags(['start'], {})]
    )
    const address = await node.ask<string>('address')
    await using caller = Child.start('caller', new URL('../ours/gateway-caller.ts', import.meta.url), [
      address
    ])
    const work = (way: (typeof WAYS)[number], forMs = pace.forMs): Promise<Paced> =>
      caller.ask<Paced>('paced', {
        args: { way, perSecond: pace.perSecond, forMs },
        withinMs: forMs + MARGIN_MS
      })
    for (const way of WAYS) await work(way, pace.warmMs)
    const samples = await interleaved(WAYS, rounds, async way => {
      const paced = await work(way)
      const { p50Ms, p99Ms, failed, firstFailure = '' } = paced
      say(`${way}: p50 ${rounded(p50Ms)} ms, p99 ${rounded(p99Ms)} ms, ${failed} failed ${firstFailure}`)
      return paced
    })
    const of = (way: (typeof WAYS)[number], pick: (paced: Paced) => number): number[] =>
      samples.get(way)!.map(pick)
    const p99 = (way: (typeof WAYS)[number]): number[] => of(way, ({ p99Ms }) => p99Ms)
    const added = p99('http').map((ms, round) => ms - p99('oap')[round]!)
    const failed = WAYS.flatMap(way => of(way, one => one.failed)).reduce((sum, times) => sum + times, 0)
    return {
      what: `mailbox stats at ${pace.perSecond} a second over HTTP: p99 in ms; limit: over OAP`,
      ours: rounded(median(p99('http'))),
      others: {},
      limit: rounded(median(p99('oap'))),
      checks: [atMost('added p99, ms', ADDED_MOST_MS, median(added)), atMost('calls that failed', 0, failed)],
      spread: { 'added p99': rounded(spread(added)) },
      notes: {
        'p50 over HTTP, ms': rounded(median(of('http', ({ p50Ms }) => p50Ms))),
        'p50 over OAP, ms': rounded(median(of('oap', ({ p50Ms }) => p50Ms)))
      }
    }
  }
}
