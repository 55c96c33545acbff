import { OURS, PLAIN_TUNED, TCP } from '../contenders.ts'
import { echoContest, figure, figures, present, wholeFigure } from '../harness/echo-contest.ts'
import { loadMs, type Row } from '../harness/row.ts'
import { startSpinners } from '../harness/spinners.ts'
import { atMost, ratio } from '../harness/verdict.ts'

export const p2: Row = {
  id: 'P2',
  summary: 'P1 with 1 in flight, beside a plain stream on the same tuned stack, cores kept awake',
  async run(options) {
    await using _spinners = await startSpinners()
    const contenders = [TCP, PLAIN_TUNED, OURS]
    const standing = await echoContest(contenders, { inFlight: 1, forMs: loadMs(options) }, options)
    const oursOverPlain = (of: 'p50Micros' | 'cpuMicros') =>
      ratio(figure(standing, 'ours', of), figure(standing, 'plain tuned', of))
    return {
      what: 'echo of 128 B, 1 in flight, noise, cores kept awake: p50 in microseconds',
      ours: wholeFigure(standing, 'ours', 'p50Micros'),
      others: figures(standing, ['plain tuned'], 'p50Micros'),
      limit: wholeFigure(standing, 'tcp', 'p50Micros'),
      checks: [
        atMost('p50 / plain tuned', 1.25, oursOverPlain('p50Micros')),
        atMost('CPU a call / plain tuned', 1.15, oursOverPlain('cpuMicros'))
      ],
      spread: present(standing, 'p50Spread'),
      notes: {
        ...present(standing, 'cpuMicros', ' CPU us a call'),
        ...present(standing, 'p99Micros', ' p99 us')
      }
    }
  }
}
