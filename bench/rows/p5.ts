import { RAW_BATCH_OF_64, RECV_AND_ACK, SEND_BATCH } from '../contenders.ts'
import { echoContest, figure, present, wholeFigure } from '../harness/echo-contest.ts'
import { loadMs, type Row } from '../harness/row.ts'
import { atLeast, ratio } from '../harness/verdict.ts'

export const p5: Row = {
  id: 'P5',
  summary: 'send_batch of 64 messages; recv and ack of 64',
  async run(options) {
    const contenders = [RAW_BATCH_OF_64, SEND_BATCH, RECV_AND_ACK]
    const standing = await echoContest(contenders, { inFlight: 1, forMs: loadMs(options) }, options)
    const overRaw = (name: string) =>
      ratio(figure(standing, name, 'rate'), figure(standing, 'raw batch of 64', 'rate'))
    return {
      what: 'batches of 64 messages of 256 B a second, one at a time; limit: one-row synced batches of 64 without a network',
      ours: wholeFigure(standing, 'send_batch', 'rate'),
      others: {},
      limit: wholeFigure(standing, 'raw batch of 64', 'rate'),
      checks: [
        atLeast('send_batch / raw', 0.5, overRaw('send_batch')),
        atLeast('recv and ack / raw', 0.5, overRaw('recv and ack'))
      ],
      spread: present(standing, 'spread'),
      notes: {
        'recv and ack': wholeFigure(standing, 'recv and ack', 'rate'),
        ...present(standing, 'cpuMicros', ' CPU us a batch')
      }
    }
  }
}
