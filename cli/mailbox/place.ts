import type { MailboxDelivery, mailboxService } from '../../protocols/index.ts'
import { CALLER_EXITS, callerOptions, withService } from '../caller-place.ts'
import type { CallerPlace } from '../caller-place.ts'
import type { Argument } from '../command.ts'
import { NODE_ARGUMENT } from '../command.ts'
import type { Invocation } from '../invocation.ts'

export const TOPIC_ARGUMENT: Argument = {
  name: 'TOPIC',
  summary: 'the topic, such as dispatch/SF',
  completes: 'nothing'
}

export const MAILBOX_ARGUMENTS: readonly Argument[] = [TOPIC_ARGUMENT, NODE_ARGUMENT]

export const CALLER_OPTIONS = callerOptions('mailbox')

export { CALLER_DETAILS } from '../caller-place.ts'
export const MAILBOX_EXITS = CALLER_EXITS

/** The mailbox that a command speaks to. */
export type MailboxPlace = CallerPlace<(typeof mailboxService)['operations']>

export type Delivered = MailboxDelivery

/** What `use` yields with the mailbox of MULTIADDR, or of `--data`. @throws as `withService` */
export const withMailbox = <T>(
  invocation: Invocation,
  use: (place: MailboxPlace) => Promise<T>
): Promise<T> =>
  withService(
    invocation,
    {
      table: async () => (await import('../../protocols/index.ts')).mailboxService,
      ofAdmin: admin => admin.mailbox
    },
    use
  )
