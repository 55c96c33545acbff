import type { FastifyInstance } from 'fastify'
import { isNamed } from '../../gateway/etag.ts'
import type { RouteRow } from '../../http/index.ts'
import type { AmsParts } from '../routes/parts.ts'
import { Problem } from '../routes/problem.ts'
import { serveRows } from '../routes/plugin.ts'
import { NO_QUERY } from '../routes/query.ts'
import { route } from '../routes/route.ts'
import type { AmsRoute, Answer } from '../routes/route.ts'
import { answering } from './answering.ts'
import { DOCUMENTS, PLAIN, PUBLIC_KEY, WELL_KNOWN } from './documents.ts'
import type { HubFacts } from './facts.ts'
import type { Manifests, ServedFile } from './manifests.ts'

const HEALTH = '/ams/v1/health'
/** A copy may be kept and is asked about each time: a file and its signature belong together. */
const CACHE = 'no-cache'

export interface WellKnownParts extends AmsParts {
  readonly manifests: Manifests
  /** Asked at each request. */
  readonly facts: () => HubFacts
  /** What is said of routes that have no row of their own. */
  readonly rows?: readonly RouteRow[]
}

/**
 * Serves the manifests and their signatures below `/.well-known/`. To be called before all other routes of the app are
 * added, as what is added from then on stands in the manifests. Health waits until it is known whether they are signed.
 */
export const wellKnown =
  (parts: WellKnownParts) =>
  (app: FastifyInstance): Given => {
    const routes = answering(app, parts.rows)
    const { manifests, facts } = parts
    const files: Files = async () => await manifests.files(facts, routes())
    app.addHook('preHandler', async ({ routeOptions }) => {
      if (routeOptions.url === HEALTH) await files()
    })
    serveRows(wellKnownRows(files), [WELL_KNOWN], parts)(app)
    return { files, renewed: async () => await manifests.renewed(facts, routes()) }
  }

/** The files as they are served, or made anew. */
export interface Given {
  readonly files: Files
  readonly renewed: Files
}

type Files = () => Promise<ReadonlyMap<string, ServedFile>>

/** The rows of the table, for each file and its signature. */
export function wellKnownRows(files: Files): readonly AmsRoute[] {
  const key = { name: PUBLIC_KEY, type: PLAIN, summary: 'The minisign key that signs the manifests.' }
  return [...DOCUMENTS, key].flatMap(({ name, type, summary }) => [
    row(files, name, { type, summary }),
    row(files, `${name}.minisig`, {
      type: PLAIN,
      summary: `The signature of ${name}; none while nobody can sign.`
    })
  ])
}

const row = (
  files: Files,
  name: string,
  { type, summary }: { readonly type: string; readonly summary: string }
): AmsRoute =>
  route({
    method: 'GET',
    path: `${WELL_KNOWN}${name}`,
    role: 'none',
    query: NO_QUERY,
    statuses: [200, 304],
    gives: type.split(';', 1)[0]!,
    summary,
    answer: async (_, { ifNoneMatch }) => answerOf((await files()).get(name), ifNoneMatch)
  })

function answerOf(file: ServedFile | undefined, ifNoneMatch: string | undefined): Answer {
  if (file === undefined) throw unsigned()
  const { bytes, type, etag } = file
  const headers = { 'cache-control': CACHE, etag }
  if (isNamed(ifNoneMatch, etag)) return { status: 304, headers }
  return { status: 200, text: bytes, headers: { ...headers, 'content-type': type } }
}

const unsigned = (): Problem =>
  new Problem(
    'not_found',
    'the manifests are not signed as they stand: the operator can run omnigate key delegate --role manifest'
  )
