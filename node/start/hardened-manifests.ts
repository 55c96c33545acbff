import { authorityProblem, parseDelegation } from '../../federation/index.ts'
import type { HardenStep } from '../ams/access/index.ts'
import { verifyFileBy } from '../minisign.ts'

/** What a hub says of itself, and must say after it was hardened. */
export const HARDENED_MANIFESTS = ['ams-gateway-spec.json', 'ai-ams.json'] as const

export interface ManifestsAsked {
  readonly hub: string
  /** Files as they are served, with their signatures, by name. */
  readonly texts: Readonly<Record<string, string>>
  /** Unix ms: what is older is from before the change; undefined where nothing has changed. */
  readonly changedMs: number | undefined
  /** What the operator can do where nothing is signed. */
  readonly wayOut: string
}

/** Whether each manifest says that writes need a token, is later than the change, and signed for this hub, a step each. */
export const manifestSteps = ({ hub, texts, changedMs, wayOut }: ManifestsAsked): readonly HardenStep[] =>
  HARDENED_MANIFESTS.map(name => {
    const [text, signature] = [texts[name], texts[`${name}.minisig`]]
    if (text === undefined) return { step: name, is: 'later', message: 'the node does not serve it yet' }
    if (signature === undefined)
      return { step: name, is: 'later', message: `needs-resign: no key may sign it; run: ${wayOut}` }
    const said = saidBy(text)
    const problem = problemOf(hub, said, { text, signature, changedMs })
    if (problem !== undefined)
      return {
        step: name,
        is: 'later',
        message: `not as it should be: ${problem}; look with: omnigate doctor`
      }
    return changedMs === undefined
      ? { step: name, is: 'already', message: `says so, and is signed, at ${said?.updated}` }
      : { step: name, is: 'done', message: `made anew and signed, at ${said?.updated}; verified` }
  })

interface Said {
  readonly updated: string
  readonly delegation: string
  readonly isClosed: boolean
}

/** Undefined for what is no manifest. */
function saidBy(text: string): Said | undefined {
  try {
    const { meta, write_mode, write_requires_auth } = JSON.parse(text)
    const isClosed = write_mode === 'token' && write_requires_auth === true
    return { updated: String(meta.updated), delegation: String(meta.signed_by.delegation), isClosed }
  } catch {
    return undefined
  }
}

interface Signed {
  readonly text: string
  readonly signature: string
  readonly changedMs: number | undefined
}

function problemOf(
  hub: string,
  said: Said | undefined,
  { text, signature, changedMs = -Infinity }: Signed
): string | undefined {
  if (said === undefined) return 'it is no manifest'
  if (!said.isClosed) return 'it does not say that writes need a token'
  if (!(Date.parse(said.updated) >= changedMs)) return `it is of ${said.updated}, before the change`
  try {
    const delegation = parseDelegation(`${said.delegation}\n`, 'manifest')
    const { statement } = delegation
    if (statement.hub !== hub) return 'it is signed for another hub'
    const problem = authorityProblem(delegation)
    if (problem !== undefined) return `the hub key’s word for its key: ${String(problem)}`
    verifyFileBy(Buffer.from(statement.key, 'hex'), Buffer.from(text), signature)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
