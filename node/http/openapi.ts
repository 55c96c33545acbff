import type { TObject, TSchema } from 'typebox'
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
  const schemas = new Schemas()
  for (const row of rows) {
    const at = (paths[row.path] ??= {})
    at[row.method.toLowerCase()] = operation(row, schemas)
    // Whatever has GET has HEAD.
    if (row.method === 'GET') at['head'] = operation({ ...row, method: 'HEAD' }, schemas)
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
      schemas: { Problem: PROBLEM, ...schemas.named },
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

/** Schemas with a title, which stand in one place and are referred to. */
class Schemas {
  readonly named: Record<string, unknown> = {}
  readonly #known = new Map<unknown, object>()

  of(schema: unknown): unknown {
    if (Array.isArray(schema)) return schema.map(one => this.of(one))
    if (typeof schema !== 'object' || schema === null) return schema
    const known = this.#known.get(schema)
    if (known !== undefined) return known
    const { title, ...rest } = schema as { readonly title?: unknown }
    const read = typed(Object.fromEntries(Object.entries(rest).map(([name, one]) => [name, this.of(one)])))
    if (typeof title !== 'string') return title === undefined ? read : { title: this.of(title), ...read }
    if (Object.hasOwn(this.named, title)) throw new Error(`${title}: two schemas have this title`)
    const reference = { $ref: `#/components/schemas/${title}` }
    this.#known.set(schema, reference)
    this.named[title] = read
    return reference
  }
}

/** Generators ask of an enum what its values are. */
const typed = (schema: Readonly<Record<string, unknown>>): object => {
  const { enum: values } = schema
  const areTexts = Array.isArray(values) && values.every(value => typeof value === 'string')
  return areTexts ? { type: 'string', ...schema } : schema
}

/** An object of whatever members. */
const ANY = { type: 'object', additionalProperties: true } as const
const BINARY = { type: 'string', format: 'binary' } as const
const BYTES = { 'application/octet-stream': { schema: BINARY } } as const
/** What is no text. */
const OF_TYPE: Readonly<Record<string, object>> = {
  'application/json': ANY,
  'application/octet-stream': BINARY,
  'application/vnd.ipld.raw': BINARY
}

function operation(row: Described, schemas: Schemas): object {
  const { method, path, summary, role, statuses, takes, maxBodyBytes, body } = row
  return {
    operationId: idOf(method, path) + (statuses.includes(308) ? '_moved' : ''),
    summary: role === 'none' ? summary : `${summary} Needs the role ${role}.`,
    parameters: [...namesIn(path).map(ofPath), ...ofQuery(row.query)],
    ...(takes !== 'nothing' && {
      requestBody: {
        required: true,
        description: [bound(maxBodyBytes), ...(takes === 'bytes' ? ['Any media type.'] : [])].join(' '),
        content: {
          ...((takes === 'json' || body !== undefined) && {
            'application/json': { schema: body === undefined ? ANY : schemas.of(body) }
          }),
          ...(takes === 'bytes' && BYTES)
        }
      }
    }),
    responses: {
      ...Object.fromEntries(statuses.map(status => [status, answer(status, row, schemas)])),
      default: { $ref: '#/components/responses/Problem' }
    },
    // Where callers without a token may do it, none is needed.
    ...(role !== 'none' && {
      security: [{ bearer: [] }, { token: [] }, ...((row.needsToken ?? role === 'admin') ? [] : [{}])]
    })
  }
}

const bound = (bytes: number): string =>
  bytes === Number.MAX_SAFE_INTEGER ? 'As much as the tenant may keep.' : `At most ${bytes} bytes.`

const WORDS: Readonly<Record<number, string>> = {
  200: 'Done, or there already.',
  201: 'It is new, and would survive a power cut.',
  202: 'Taken, and somebody decides later.',
  206: 'The part that was asked for.',
  304: 'The caller has it.',
  308: 'It is somewhere else.'
}

function answer(
  status: number,
  { method, gives = ANY as TSchema, givesBytes }: Described,
  schemas: Schemas
): object {
  const description = WORDS[status] ?? 'Done.'
  if (method === 'HEAD' || status === 304 || status === 308) return { description }
  return {
    description,
    content: {
      ...(typeof gives === 'string'
        ? { [gives]: { schema: OF_TYPE[gives] ?? { type: 'string' } } }
        : { 'application/json': { schema: schemas.of(gives) } }),
      ...(givesBytes === true && BYTES)
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
      schema: typed(schema)
    }
  })
}

/** `get_ams_v1_envelopes_id` */
const idOf = (method: string, path: string): string =>
  `${method.toLowerCase()}${path.replaceAll(/[^A-Za-z0-9]+/g, '_')}`.replace(/_$/, '')
