import { AMS_VERBS } from '../access/capability-callers.ts'
import { ROLES } from '../access/roles.ts'
import { PROBLEMS } from '../../http/index.ts'
import type { Answering } from './answering.ts'
import { headOf } from './facts.ts'
import type { Made } from './facts.ts'
import { guide } from './guide.ts'

/** Where manifests stand. */
export const WELL_KNOWN = '/.well-known/'
export const PUBLIC_KEY = 'minisign.pub'
export const JSON_TYPE = 'application/json; charset=utf-8'
const MARKDOWN = 'text/markdown; charset=utf-8'
export const PLAIN = 'text/plain; charset=utf-8'

interface Document {
  readonly name: string
  readonly type: string
  /** For the table of routes. */
  readonly summary: string
  readonly text: (made: Made) => string
}

/** What is made of the running hub, and signed; the key is beside them. @see specs/ams.md, section 12 */
export const DOCUMENTS: readonly Document[] = [
  {
    name: 'ams-gateway-spec.json',
    type: JSON_TYPE,
    summary: 'Every path that answers here, with who may ask and what it takes.',
    text: made => json({ ...headOf('ams-gateway-spec', made), ...access(made), paths: paths(made.routes) })
  },
  {
    name: 'ai-ams.json',
    type: JSON_TYPE,
    summary: 'What this hub is, for an agent that comes here first.',
    text: made => json({ ...headOf('ai-ams', made), ...forAgents(made) })
  },
  {
    name: 'ams-policy.json',
    type: JSON_TYPE,
    summary: 'The acceptance policy, with its version and hash.',
    text: made => json({ ...headOf('ams-policy', made), ...made.facts.policy })
  },
  { name: 'ams-agent-guide.md', type: MARKDOWN, summary: 'A guide whose lines can be run.', text: guide }
]

const json = (value: object): string => `${JSON.stringify(value, null, 2)}\n`

function access({ facts: { rates, validation, isProofDemanded, proofKeys, features } }: Made): object {
  return {
    roles: ROLES,
    auth: {
      headers: ['Authorization: Bearer TOKEN', 'x-ams-token: TOKEN'],
      capability_verbs: Object.fromEntries(AMS_VERBS)
    },
    validation,
    require_proof: isProofDemanded,
    ...(proofKeys.length > 0 && { proof_keys: proofKeys }),
    features,
    ...(rates && { limits_per_minute: { without_token: rates.anonymous, with_token: rates.known } }),
    errors: PROBLEMS
  }
}

/** A path with its methods; whatever has GET has HEAD. */
function paths(routes: readonly Answering[]): readonly object[] {
  return [...Map.groupBy(routes, ({ path }) => path)].map(([path, rows]) => ({
    path,
    methods: rows.map(({ method, role, row }) => ({
      method,
      role,
      ...(row && {
        summary: row.summary,
        takes: row.takes,
        ...(typeof row.gives === 'string' && { gives: row.gives }),
        ...(row.maxBodyBytes > 0 &&
          row.maxBodyBytes < Number.MAX_SAFE_INTEGER && { max_body_bytes: row.maxBodyBytes }),
        query: row.query,
        statuses: row.statuses
      })
    }))
  }))
}

function forAgents({ facts: { features }, routes }: Made): object {
  const has = (path: string): boolean => routes.some(route => route.path === path)
  const linked = { openapi: '/openapi.json', health: '/ams/v1/health', policy: '/ams/v1/policy' }
  return {
    description: 'A hub that takes envelopes of agents and applications, keeps them, and shows who may what.',
    guide: `${WELL_KNOWN}ams-agent-guide.md`,
    spec: `${WELL_KNOWN}ams-gateway-spec.json`,
    ...Object.fromEntries(Object.entries(linked).filter(([, path]) => has(path))),
    public_key: `${WELL_KNOWN}${PUBLIC_KEY}`,
    features,
    conventions: {
      thread: 't_[a-z0-9]+(_[a-z0-9]+)*',
      sender: ['NAME', 'agent:NAME', 'user:NAME', 'service:NAME', 'topic:NAME', 'hub:NAME'],
      most_bytes_in_payload: 65_536
    }
  }
}
