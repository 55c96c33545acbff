import { OapError } from '../../protocols/index.ts'
import type { Call } from '../../protocols/index.ts'
import type { Outcome } from '../audit/index.ts'
import type { LiveLink, OverLinkHandlers } from '../links/index.ts'

/** What no hub says by mistake of time: a form that is none, and words that nobody signed or that contradict what was seen. */
const WRONG: readonly string[] = [
  'bad_request',
  'form',
  'order',
  'hub',
  'delegation',
  'signature',
  'place',
  'agreement',
  'hashes',
  'consistency',
  'equivocation'
]

type Words = Pick<OverLinkHandlers, 'witness' | 'head' | 'equivocation'>
type Refused = (
  actor: string,
  outcome: Outcome,
  ids: { readonly corrId: string }
) => Promise<void> | undefined

/** The same handlers, whose refusals of a wrong word name the hub in the audit log, as far as that has room for one hub. */
export function recordingWrongWords(handlers: Words, refused: Refused): Words {
  const recorded =
    <R, A>(operation: string, handler: (request: R, link: LiveLink, call: Call) => A) =>
    async (request: R, link: LiveLink, call: Call): Promise<Awaited<A>> => {
      try {
        return await handler(request, link, call)
      } catch (error) {
        if (error instanceof OapError && WRONG.includes(error.code))
          await refused(
            `hub:${link.hub}`,
            { service: 'federation', operation, reason: error.counted },
            { corrId: call.corrId.toString(16).padStart(16, '0') }
          )
        throw error
      }
    }
  return {
    witness: recorded('witness', handlers.witness),
    head: recorded('head', handlers.head),
    equivocation: recorded('equivocation', handlers.equivocation)
  }
}
