import type { TObject } from 'typebox'
import { PROBLEMS } from './problem.ts'
import type { RouteRow } from './route-row.ts'

export interface DocumentOptions {
  readonly version: string
  readonly url: string
  readonly rows: readonly RouteRow[]
}

/** OpenAPI 3.1 of a table of routes: what each takes, who may call it, and what it answers. */
export function openApi({ version, url, rows }: DocumentOptions): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const row of rows) {
    const at = (paths[row.path] ??= {})
    at[row.method.toLowerCase()] = operation(row)
    // Whatever has GET has HEAD.
    if (row.method === 'GET') at['head'] = operation({ ...row, method: 'HEAD' })
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Omnigate', version, summary: 'A hub over HTTP.' },
    servers: [{ url }],
    paths,
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        token: { type: 'apiKey', in: 'header', name: 'x-ams-token' }
      },
      schemas: { Problem: PROBLEM },
      responses: {
        Problem: {
          description: 'What went wrong, by its code; with Retry-After where it is worth asking again.',
          content: { 'application/json': { schema: { $ref: '#/components/schemas/Problem' } } }
        }
      }
    }
  }
}

const PROBLEM = {
  type: 'object',
  required: ['ok', 'error', 'message', 'request_id'],
  properties: {
    ok: { const: false },
    error: { type: 'string', description: `A code, such as ${Object.keys(PROBLEMS).join(', ')}.` },
    message: { type: 'string' },
    request_id: { type: 'string' }
  }
} as const

type Described = Omit<RouteRow, 'method'> & { readonly method: RouteRow['method'] | 'HEAD' }

function operation(row: Described): object {
  const { method, path, summary, role, statuses, takes, maxBodyBytes, gives = 'json' } = row
  return {
    operationId: idOf(method, path),
    summary: role === 'none' ? summary : `${summary} Needs the role ${role}.`,
    parameters: [...namesIn(path).map(ofPath), ...ofQuery(row.query)],
    ...(takes !== 'nothing' && {
      requestBody: {
        required: true,
        description: `At most ${maxBodyBytes} bytes.`,
        content:
          takes === 'json'
            ? { 'application/json': { schema: { type: 'object' } } }
            : { '*/*': { schema: { type: 'string', contentMediaType: 'application/octet-stream' } } }
      }
    }),
    responses: {
      ...Object.fromEntries(statuses.map(status => [status, answer(status, method, gives)])),
      default: { $ref: '#/components/responses/Problem' }
    },
    // Where callers without a token may do it, none is needed.
    ...(role !== 'none' && {
      security: [{ bearer: [] }, { token: [] }, ...(row.needsToken === true ? [] : [{}])]
    })
  }
}

const WORDS: Readonly<Record<number, string>> = {
  200: 'Done, or there already.',
  201: 'It is new, and would survive a power cut.',
  202: 'Taken, and somebody decides later.',
  206: 'The part that was asked for.',
  304: 'The caller has it.',
  308: 'It is somewhere else.'
}

function answer(status: number, method: string, gives: string): object {
  const description = WORDS[status] ?? 'Done.'
  if (method === 'HEAD' || status === 304 || status === 308) return { description }
  return {
    description,
    content: {
      [gives === 'json' ? 'application/json' : gives]: {
        schema: gives === 'json' ? { type: 'object' } : { type: 'string' }
      }
    }
  }
}

const namesIn = (path: string): readonly string[] =>
  [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name)

const ofPath = (name: string): object => ({ name, in: 'path', required: true, schema: { type: 'string' } })

function ofQuery({ properties, required }: TObject): readonly object[] {
  const needed: readonly string[] = required ?? []
  return Object.entries(properties).map(([name, property]) => {
    const { description, ...schema } = property as { readonly description?: string }
    return {
      name,
      in: 'query',
      required: needed.includes(name) && !('default' in schema),
      description,
      schema
    }
  })
}

/** `get_ams_v1_envelopes_id` */
const idOf = (method: string, path: string): string =>
  `${method.toLowerCase()}${path.replaceAll(/[^A-Za-z0-9]+/g, '_')}`.replace(/_$/, '')
