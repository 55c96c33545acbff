import type { Checked } from '../../links/index.ts'
import { matching, wrong } from '../read-envelope.ts'
import { checkMembers, list } from '../read-members.ts'
import { readObject } from './body.ts'
import { NO_QUERY } from './query.ts'
import { route } from './route.ts'
import type { AmsRoute } from './route.ts'
import { ITEMS, TARGETS } from './schemas.ts'

const MAX_BODY_BYTES = 16_384
const MOST_TARGETS = 16
export const HANDSHAKE_ROOTS = ['/federation/v1/'] as const

/** What the routes about handshakes stand on. */
export interface HandshakeParts {
  /** How it stands with each hub of the allowlist. */
  readonly states: () => readonly object[]
  /**
   * Has targets prove themselves now, within its deadline; resolves once what came of each is in the audit log.
   * @throws OapError `saturated` while another request does so
   */
  readonly check: (
    targets: readonly string[],
    by: string,
    trace: string | undefined
  ) => Promise<readonly Checked[]>
}

const target = matching(
  /^(?:h1[a-z2-7]{52}|\/[\x21-\x7e]{1,511})$/,
  'a hub id, or an address of a hub of the allowlist'
)

export const handshakeRoutes = ({ states, check }: HandshakeParts): readonly AmsRoute[] => [
  route({
    method: 'GET',
    path: '/federation/v1/handshake',
    role: 'admin',
    query: NO_QUERY,
    statuses: [200],
    gives: ITEMS,
    summary: 'How it stands with each hub of the allowlist.',
    answer: async () => ({ status: 200, body: { ok: true, items: states() } })
  }),
  route({
    method: 'POST',
    path: '/federation/v1/handshake',
    role: 'admin',
    takes: 'json',
    maxBodyBytes: MAX_BODY_BYTES,
    query: NO_QUERY,
    statuses: [200],
    body: TARGETS,
    gives: ITEMS,
    summary: 'Has hubs prove themselves now, and says of each what it showed.',
    answer: async (_, { body, caller, trace }) => {
      const asked = readObject(body)
      checkMembers(asked, { targets: list(MOST_TARGETS) }, ['targets'])
      const targets = asked['targets'] as readonly string[]
      for (const [n, one] of targets.entries()) target(one, `targets[${n}]`)
      if (targets.length === 0) throw wrong('targets', `give 1 to ${MOST_TARGETS}`)
      if (new Set(targets).size < targets.length) throw wrong('targets', 'give each once')
      return { status: 200, body: { ok: true, items: await check(targets, caller.name, trace) } }
    }
  })
]
