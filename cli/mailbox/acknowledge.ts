import type { CallOptions } from '../../protocols/index.ts'
import { CommandError } from '../command-error.ts'
import { EXIT } from '../exit-codes.ts'
import type { Delivered, MailboxPlace } from './place.ts'

/** Acknowledges deliveries of one topic. @throws CommandError `failed` where it was too late for one */
export async function acknowledge(
  rows: MailboxPlace['rows'],
  topic: string,
  deliveries: readonly Delivered[],
  calling: CallOptions
): Promise<void> {
  const items = deliveries.map(({ msg_id, lease = '' }) => ({ msg_id, lease }))
  const { results } = await rows.ack({ topic, items }, calling)
  const late = results.find(({ status }) => status !== 0)
  if (late === undefined) return
  throw new CommandError(
    EXIT.failed,
    `message ${late.msg_id}: ${late.code}; it was printed, and may come again`
  )
}
