import type { Change, Outcome, Place } from '../stores/mailbox/types.ts'
import type { MailboxParts } from './parts.ts'
import { announce } from './storing.ts'

/**
 * Commits changes that take messages away which nobody has: from now on nobody gets them. Where the commit fails they are as
 * they were.
 */
export async function takeAway(
  parts: MailboxParts,
  places: readonly Place[],
  changesOf: () => readonly Change[] | Promise<readonly Change[]>
): Promise<readonly Outcome[]> {
  const { queues, store } = parts
  queues.going(places)
  try {
    const changes = await changesOf()
    const outcomes = changes.length === 0 ? [] : await store.commit(changes)
    queues.gone(places)
    for (const [n, change] of changes.entries())
      if (change.do === 'append') announce(parts, change.message, outcomes[n])
    return outcomes
  } catch (error) {
    queues.stayed(places)
    throw error
  }
}
