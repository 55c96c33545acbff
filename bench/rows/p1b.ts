import { OURS_JITTERED, PLAIN, PLAIN_JITTERED, TCP } from '../contenders.ts'
import { echoContest, figure, figures, present, wholeFigure } from '../harness/echo-contest.ts'
import { loadMs, type Row } from '../harness/row.ts'
import { atLeast, ratio } from '../harness/verdict.ts'

const IN_FLIGHT = 64

/** Judged against the plain stream that answers at once, which is the harder of the two to beat. */
export const p1b: Row = {
  id: 'P1b',
  summary: 'P1 with handlers that answer after 0 to 5 turns of the event loop at random',
  async run(options) {
    const contenders = [TCP, PLAIN, PLAIN_JITTERED, OURS_JITTERED]
    const standing = await echoContest(contenders, { inFlight: IN_FLIGHT, forMs: loadMs(options) }, options)
    const ours = figure(standing, 'ours jittered', 'rate')
    return {
      what: 'echo of 128 B, 64 in flight, noise, answered after 0 to 5 turns: requests a second',
      ours: wholeFigure(standing, 'ours jittered', 'rate'),
      others: figures(standing, ['plain', 'plain jittered'], 'rate'),
      limit: wholeFigure(standing, 'tcp', 'rate'),
      checks: [
        atLeast('rate / plain', 4, ratio(ours, figure(standing, 'plain', 'rate'))),
        atLeast('rate / plain jittered', 4, ratio(ours, figure(standing, 'plain jittered', 'rate')))
      ],
      spread: present(standing, 'spread'),
      notes: present(standing, 'cpuMicros', ' CPU us a request')
    }
  }
}
