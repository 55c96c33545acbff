import { grpc, nats, OURS, PLAIN, TCP } from '../contenders.ts'
import { echoContest, figure, figures, present, wholeFigure } from '../harness/echo-contest.ts'
import { loadMs, type Row } from '../harness/row.ts'
import { atLeast, atMost, ratio } from '../harness/verdict.ts'

const IN_FLIGHT = 64
const OTHERS = ['plain', 'grpc', 'nats']

export const p1: Row = {
  id: 'P1',
  summary: 'OAP echo of 128 B, 64 in flight, one session over noise',
  async run(options) {
    const install = !options.smoke
    const contenders = [TCP, PLAIN, OURS, grpc(install), nats(install)]
    const standing = await echoContest(contenders, { inFlight: IN_FLIGHT, forMs: loadMs(options) }, options)
    const oursOver = (name: string, of: 'rate' | 'cpuMicros') =>
      ratio(figure(standing, 'ours', of), figure(standing, name, of))
    return {
      what: 'echo of 128 B, 64 in flight, one session, noise: requests a second',
      ours: wholeFigure(standing, 'ours', 'rate'),
      others: figures(standing, OTHERS, 'rate'),
      limit: wholeFigure(standing, 'tcp', 'rate'),
      checks: [
        atLeast('rate / plain', 6, oursOver('plain', 'rate')),
        atLeast('rate / grpc', 4, oursOver('grpc', 'rate')),
        atLeast('rate / nats', 4, oursOver('nats', 'rate')),
        atMost('CPU a request / plain', 0.15, oursOver('plain', 'cpuMicros'))
      ],
      spread: present(standing, 'spread'),
      notes: present(standing, 'cpuMicros', ' CPU us a request')
    }
  }
}
