/** One method of one path, as `/openapi.json` tells of it. */
export interface Operation {
  /** `POST /ams/v1/envelopes` */
  readonly name: string
  readonly method: string
  readonly path: string
  readonly query: readonly { readonly name: string; readonly schema: Schema }[]
  readonly takes: 'nothing' | 'json' | 'bytes'
  /** Undefined where the document says none, or more than is worth sending. */
  readonly maxBodyBytes: number | undefined
  /** Statuses of answers that are no problem. */
  readonly statuses: readonly number[]
}

export interface Schema {
  readonly enum?: readonly unknown[]
  readonly minimum?: number
  readonly maximum?: number
  readonly maxLength?: number
}

interface Described {
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly schema: Schema }[]
  readonly requestBody?: { readonly description?: string; readonly content: object }
  readonly responses: object
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>
}

const WORTH_SENDING_BYTES = 4 * 2 ** 20

export const operationsOf = ({ paths }: Document): readonly Operation[] =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, described]) => operation(method.toUpperCase(), path, described))
  )

function operation(method: string, path: string, described: Described): Operation {
  const { parameters = [], requestBody, responses } = described
  const most = Number(/At most (\d+) bytes/.exec(requestBody?.description ?? '')?.[1] ?? 0)
  return {
    name: `${method} ${path}`,
    method,
    path,
    query: parameters.filter(one => one.in === 'query'),
    takes: takenBy(requestBody),
    maxBodyBytes: most > 0 && most <= WORTH_SENDING_BYTES ? most : undefined,
    statuses: Object.keys(responses).map(Number).filter(Number.isInteger)
  }
}

function takenBy(body: Described['requestBody']): Operation['takes'] {
  if (body === undefined) return 'nothing'
  return 'application/json' in body.content ? 'json' : 'bytes'
}
