import { OUR_SENDS, RAW_BATCHES, jetStream, redis } from '../contenders.ts'
import { echoContest, figure, figures, present, wholeFigure } from '../harness/echo-contest.ts'
import type { EchoMedians } from '../harness/echo-contest.ts'
import { loadMs, type Row } from '../harness/row.ts'
import { atLeast, atMost, ratio } from '../harness/verdict.ts'

const IN_FLIGHT = 128
const OTHERS = ['jetstream default', 'jetstream always', 'redis', 'redis over tls']

export const p4: Row = {
  id: 'P4',
  summary: 'durable sends of 256 B, two sessions of 64 in flight, SDK over noise',
  async run(options) {
    const install = !options.smoke
    const contenders = [
      RAW_BATCHES,
      OUR_SENDS,
      jetStream('default', install),
      jetStream('always', install),
      redis('plain', install),
      redis('tls', install)
    ]
    const standing = await echoContest(contenders, { inFlight: IN_FLIGHT, forMs: loadMs(options) }, options)
    const oursOver = (name: string, of: keyof EchoMedians) =>
      ratio(figure(standing, 'ours', of), figure(standing, name, of))
    return {
      what: 'durable sends of 256 B, 128 in flight: messages a second; limit: one-row synced batches without a network',
      ours: wholeFigure(standing, 'ours', 'rate'),
      others: figures(standing, OTHERS, 'rate'),
      limit: wholeFigure(standing, 'raw batches', 'rate'),
      checks: [
        atLeast('rate / jetstream default', 1.5, oursOver('jetstream default', 'rate')),
        atLeast('rate / jetstream always', 3, oursOver('jetstream always', 'rate')),
        atLeast('rate / redis over tls', 1, oursOver('redis over tls', 'rate')),
        atLeast('rate / redis', 0.5, oursOver('redis', 'rate')),
        atMost('p99 / redis', 1.5, oursOver('redis', 'p99Micros'))
      ],
      spread: present(standing, 'spread'),
      notes: {
        ...present(standing, 'cpuMicros', ' CPU us a message'),
        ...present(standing, 'p99Micros', ' p99 us')
      }
    }
  }
}
