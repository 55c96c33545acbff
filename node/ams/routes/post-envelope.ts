import { prepared } from '../posting.ts'
import type { Kept, Posting } from '../posting.ts'
import type { JsonBody } from './body.ts'
import { opened, withRoom } from './opened.ts'
import type { AmsParts } from './parts.ts'

/** An envelope as these routes take one in; what this yields keeps it. @throws EnvelopeRefusal, OapError `saturated` */
export async function post(
  parts: AmsParts,
  value: JsonBody,
  posting: Pick<Posting, 'by' | 'isLeftQueued'>
): Promise<() => Promise<Kept>> {
  const envelopes = withRoom(opened(parts).envelopes)
  return await prepared(value, envelopes, parts.posting, {
    ...posting,
    nowMs: parts.nowMs(),
    newId: () => `env_${parts.newUlid()}`
  })
}
