import { MAX_STATIC_TOKENS, envTokens } from '../ams/access/index.ts'
import type { LiveTokens } from '../ams/access/index.ts'
import type { ShownToken, TokenParts } from '../ams/routes/index.ts'
import { Problem } from '../http/index.ts'
import { SetupError } from '../setup-error.ts'
import { OapError } from '../../protocols/index.ts'
import { actorOf } from './ams-audit.ts'
import type { TokenKeeper } from './tokens.ts'

export interface TokenAdminPlace {
  readonly live: Pick<LiveTokens, 'current'>
  readonly env: Readonly<Record<string, string | undefined>>
  /** Undefined where there is no data folder to keep them in. */
  readonly keeper: (() => Promise<TokenKeeper>) | undefined
  /**
   * Makes a change while nobody else looks at the file; resolves once it is in force, and in the audit log as that of `actor`.
   * @throws OapError `not_ready` where it could not be told; the log is told later
   */
  readonly changing: <T>(actor: string, change: () => Promise<T>) => Promise<T>
}

/** Static tokens as their operator has them over HTTP: in the same file as `token add`. @see specs/ams.md, section 18 */
export function tokenAdmin({ live, env, keeper, changing }: TokenAdminPlace): TokenParts {
  const fixed = new Set(envTokens(env).map(({ name }) => name))
  const list = (): readonly ShownToken[] =>
    live.current.list.map(({ name, role }) => ({
      name,
      role,
      from: fixed.has(name) ? 'environment' : 'file'
    }))
  const kept = async (): Promise<TokenKeeper> => {
    if (keeper === undefined)
      throw new Problem('conflict', 'this node has no data folder, so it keeps no tokens')
    return keeper()
  }
  return {
    list,
    async add(name, role, by) {
      let isMade = false
      const make = async (): Promise<string> => {
        if (live.current.list.some(token => token.name === name))
          throw new Problem('conflict', `name: ${name} is that of a token; remove it first`)
        if (live.current.list.length >= MAX_STATIC_TOKENS)
          throw new Problem('conflict', `there are ${MAX_STATIC_TOKENS} tokens, at most that; remove one`)
        const { text } = await mended((await kept()).add(name, role))
        isMade = true
        return text
      }
      try {
        const text = await changing(actorOf(by), make)
        if (live.current.list.some(token => token.name === name)) return text
        throw new OapError('not_ready', UNREAD)
      } catch (error) {
        // Nobody has its text.
        if (isMade) await (await kept()).remove(name).catch(() => undefined)
        throw error
      }
    },
    remove: (name, by) =>
      changing(actorOf(by), async () => {
        if (fixed.has(name))
          throw new Problem('conflict', 'this token stands in the environment of the node: unset it there')
        await mended((await kept()).remove(name))
      })
  }
}

const UNREAD = 'the file of tokens cannot be read: the log of the node says why'
const BUSY = 'somebody else changes the tokens; ask again'

/** What another change of the file leads to is the caller's business; all else is the operator's. */
async function mended<T>(change: Promise<T>): Promise<T> {
  try {
    return await change
  } catch (error) {
    if (!(error instanceof SetupError)) throw error
    if (error.reason === 'inUse') throw new OapError('saturated', BUSY)
    if (error.reason === 'cannotCreate')
      throw new Problem(
        'conflict',
        'name: is that of a token, or kept for one of the environment; choose another'
      )
    if (error.reason === 'noInput') throw new Problem('not_found', 'no token has this name')
    throw error
  }
}
