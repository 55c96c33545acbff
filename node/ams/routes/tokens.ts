import type { CanonicalValue } from '../../../federation/index.ts'
import { misnamed } from '../access/static-tokens.ts'
import type { TokenRole } from '../access/static-tokens.ts'
import { wrong } from '../read-envelope.ts'
import { checkMembers } from '../read-members.ts'
import { readObject } from './body.ts'
import { NO_QUERY } from './query.ts'
import { route } from './route.ts'
import type { AmsRoute } from './route.ts'
import { MADE_TOKEN, NEW_TOKEN, REMOVED_TOKEN, TOKENS } from './schemas.ts'

const PATH = '/admin/v1/tokens'
const MAX_BODY_BYTES = 1024
const ROLES: readonly TokenRole[] = ['read', 'write', 'admin']

/** What is told of a static token; its text and digest are nobody's. */
export interface ShownToken {
  readonly name: string
  readonly role: TokenRole
  /** The file of `token add`, or a variable of the environment, which only whoever starts the node changes. */
  readonly from: 'file' | 'environment'
}

/** What the routes about static tokens stand on. */
export interface TokenParts {
  readonly list: () => readonly ShownToken[]
  /**
   * Resolves with the text, which is kept nowhere, once the token is durable, good and in the audit log.
   * @throws Problem `conflict`; OapError `saturated`, `not_ready`
   */
  readonly add: (name: string, role: TokenRole, by: string) => Promise<string>
  /** Resolves once it is good no more, and the audit log says so. @throws Problem `not_found`, `conflict`; OapError likewise */
  readonly remove: (name: string, by: string) => Promise<void>
}

function tokenName(value: CanonicalValue, member: string): void {
  if (typeof value !== 'string') throw wrong(member, 'give a text')
  const problem = misnamed(value)
  if (problem !== undefined) throw wrong(member, problem)
}

function tokenRole(value: CanonicalValue, member: string): void {
  if (!ROLES.includes(value as TokenRole)) throw wrong(member, `give one of ${ROLES.join(', ')}`)
}

/** Who may read, write and moderate by a static token. @see specs/ams.md, section 18 */
export const tokenRoutes = ({ list, add, remove }: TokenParts): readonly AmsRoute[] => [
  route({
    method: 'GET',
    path: PATH,
    role: 'admin',
    query: NO_QUERY,
    statuses: [200],
    gives: TOKENS,
    summary: 'The static tokens that are good, without their texts.',
    answer: async () => ({ status: 200, body: { ok: true, items: list() } })
  }),
  route({
    method: 'POST',
    path: PATH,
    role: 'admin',
    takes: 'json',
    maxBodyBytes: MAX_BODY_BYTES,
    query: NO_QUERY,
    statuses: [201],
    body: NEW_TOKEN,
    gives: MADE_TOKEN,
    summary: 'Makes a static token, good from now on; its text is answered this once.',
    answer: async (_, { body, caller }) => {
      const asked = readObject(body)
      checkMembers(asked, { name: tokenName, role: tokenRole }, ['name', 'role'])
      const { name, role } = asked as unknown as Pick<ShownToken, 'name' | 'role'>
      return { status: 201, body: { ok: true, name, role, token: await add(name, role, caller.name) } }
    }
  }),
  route({
    method: 'DELETE',
    path: `${PATH}/{name}`,
    role: 'admin',
    query: NO_QUERY,
    statuses: [200],
    gives: REMOVED_TOKEN,
    summary: 'Ends a static token, with all that goes on by it.',
    answer: async (_, { name, caller }) => {
      await remove(name, caller.name)
      return { status: 200, body: { ok: true, removed: name } }
    }
  })
]
