/** What came back of one request. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /** What came within the time that a stream is read for. */
  readonly body: Buffer
  readonly tookMs: number
}

export interface Asked {
  readonly method: string
  /** Statuses of answers that are no problem; undefined where the method is none of the document's. */
  readonly statuses: readonly number[] | undefined
  /** Whether it named a deadline of its own, which may pass. */
  readonly hasDeadline?: boolean
}

export const ANSWER_MOST_MS = 60_000
const MEMBERS = ['ok', 'error', 'message', 'request_id'] as const
const STACK = /\n\s+at |node:internal|node_modules|\.ts:\d+|file:\/\//

/** What is wrong with an answer, whatever was asked; undefined for nothing. */
export function wrongWith(
  { method, statuses, hasDeadline = false }: Asked,
  answer: Answer
): string | undefined {
  const { status, headers, body, tookMs } = answer
  if (tookMs > ANSWER_MOST_MS) return `took ${Math.round(tookMs)} ms`
  if (headers['x-content-type-options'] !== 'nosniff') return 'has no x-content-type-options'
  const isTheirs = status === 504 && hasDeadline && body.includes('"deadline"')
  if (status >= 500 && status !== 503 && !isTheirs) return `is ${status}`
  if ((status === 429 || status === 503) && !/^[1-9]\d{0,5}$/.test(String(headers['retry-after'])))
    return `is ${status} without a time to come again`
  if (status === 405 && headers['allow'] === undefined) return 'is 405 without Allow'
  if (status === 401 && headers['www-authenticate'] === undefined) return 'is 401 without WWW-Authenticate'
  if (status >= 400) return method === 'HEAD' ? undefined : wrongWithProblem(headers, body)
  if (statuses !== undefined && !statuses.includes(status))
    return `is ${status}, which the document does not tell of`
  const isPage = /html|svg|xml|javascript/i.test(String(headers['content-type']))
  return isPage ? `is of the type ${String(headers['content-type'])}` : undefined
}

function wrongWithProblem(headers: Answer['headers'], body: Buffer): string | undefined {
  const text = body.toString()
  if (!String(headers['content-type']).startsWith('application/json')) return 'is no JSON'
  if (STACK.test(text)) return 'holds a stack'
  try {
    const problem = JSON.parse(text) as Record<(typeof MEMBERS)[number], unknown> & { ready?: unknown }
    // Readiness has a form of its own.
    if (problem.ready === false) return undefined
    const [ok, ...texts] = MEMBERS.map(name => problem[name])
    if (ok !== false || texts.some(member => typeof member !== 'string' || member === ''))
      return 'has another form'
    return problem.request_id === headers['x-request-id']
      ? undefined
      : 'names another request than its header'
  } catch {
    return 'is not JSON'
  }
}
