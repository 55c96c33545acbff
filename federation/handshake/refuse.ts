import type { Problem } from './judgement.ts'
import type { Side } from './messages.ts'
import { HANDSHAKE } from './numbers.ts'
import type { Refused } from './party.ts'
import { isVeiled } from './refusals.ts'

interface Known {
  readonly role: Side
  readonly peer: string
  readonly hub?: string | undefined
  readonly transcript?: string | undefined
  readonly skewS?: number | undefined
}

/** A refusal with all that is known when it is made. */
export function refused({ code, detail }: Problem, { role, peer, hub, transcript, skewS }: Known): Refused {
  return {
    kind: 'refused',
    code,
    role,
    peer,
    ...(hub !== undefined && { hub }),
    ...(transcript !== undefined && { transcript }),
    ...(skewS !== undefined && { skewS }),
    detail,
    holdMs: role === 'responder' && isVeiled(code) ? HANDSHAKE.refusalHoldMs : 0
  }
}

/** What `read` gives, or why it cannot. */
export function readOr<T>(read: () => T): { readonly value: T } | { readonly bad: Problem } {
  try {
    return { value: read() }
  } catch (error) {
    if (error instanceof SyntaxError) return { bad: { code: 'malformed', detail: error.message } }
    throw error
  }
}
