import { principal } from './commitments.ts'
import type { EntryContent } from './entry.ts'

/** Which call an entry belongs to; what does not have the one form of these ids is left out. */
export interface CallIds {
  /** 32 hex digits. */
  readonly traceId?: string
  /** 16 hex digits. */
  readonly corrId?: string
}

let make: (content: EntryContent) => AuditEvent

/** What can be appended: only the builders of this folder make one. */
export class AuditEvent {
  readonly #content: EntryContent

  private constructor(content: EntryContent) {
    this.#content = content
  }

  get content(): EntryContent {
    return this.#content
  }

  static {
    make = content => new AuditEvent(content)
  }
}

/** For the builders beside this file, which have read every member of `data`. @throws TypeError for an actor that is none. */
export function eventOf(content: EntryContent, { traceId = '', corrId = '' }: CallIds = {}): AuditEvent {
  return make({
    ...content,
    actor: principal.read(content.actor, 'actor'),
    ...(/^[0-9a-f]{32}$/.test(traceId) && { trace_id: traceId }),
    ...(/^[0-9a-f]{16}$/.test(corrId) && { corr_id: corrId })
  })
}
