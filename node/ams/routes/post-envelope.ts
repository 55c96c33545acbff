import type { Decision } from '../access/spam-sight.ts'
import { prepared } from '../posting.ts'
import type { Kept, Posting } from '../posting.ts'
import type { JsonBody } from './body.ts'
import { opened, withRoom } from './opened.ts'
import type { AmsParts } from './parts.ts'
import { problemOf } from './problem.ts'

export interface Poster extends Pick<Posting, 'by' | 'isLeftQueued' | 'requestId' | 'trace'> {
  /** An address as `parseIp` gives it. */
  readonly ip: string
}

/** An envelope as these routes take one in; what this yields keeps it. @throws EnvelopeRefusal, OapError `saturated` */
export async function post(
  parts: AmsParts,
  value: JsonBody,
  { ip, ...posting }: Poster
): Promise<() => Promise<Kept>> {
  const noted = (decision: Decision): void => {
    const { type, from, thread } = value
    parts.onPosted?.({ type: textOf(type) ?? '', decision, from: textOf(from), thread: textOf(thread), ip })
  }
  try {
    const envelopes = withRoom(opened(parts).envelopes)
    const keep = await prepared(value, envelopes, parts.posting, {
      ...posting,
      nowMs: parts.nowMs(),
      newId: () => `env_${parts.newUlid()}`
    })
    return async () => {
      const kept = await keep()
      const { status } = kept.stored.latest
      if (kept.isNew && status !== 'archived') noted(status)
      return kept
    }
  } catch (error) {
    if ((problemOf(error)?.status ?? 500) < 500) noted('refused')
    throw error
  }
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
