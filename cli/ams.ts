import { CommandError } from './command-error.ts'
import { DATA_OPTION } from './command.ts'
import type { Option } from './command.ts'
import { withDeadline } from './deadline.ts'
import { EXIT } from './exit-codes.ts'
import { answeredError } from './failure.ts'
import type { Invocation } from './invocation.ts'
import { smallFile } from './small-file.ts'
import { printable } from './terminal.ts'

const ADMIN_VARIABLE = 'AMS_ADMIN_TOKEN'
const ANSWER_MS = 10_000
const MAX_TOKEN_BYTES = 8192
const TOKEN = /^[\x21-\x7e]{1,5600}$/
/** A page has 1 MiB of envelopes, and the one that goes beyond it. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024
const LOOPBACK = ['localhost', '127.0.0.1', '[::1]']
/** What a node listens on where it listens on all its addresses. */
const ANY: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '[::]': '[::1]' }

export const AMS_OPTIONS: readonly Option[] = [
  { ...DATA_OPTION, isRequired: false, summary: 'data folder of the node, which says where it answers' },
  {
    name: 'url',
    value: 'URL',
    summary: 'where the hub answers over HTTP, in the place of --data',
    completes: 'nothing'
  },
  {
    name: 'token',
    value: 'FILE',
    summary: `file with an ADMIN token (default: ${ADMIN_VARIABLE} of the environment)`,
    completes: 'file'
  }
]

export type Answer = Readonly<Record<string, unknown>>

/** Calls below `/admin/v1/` of one hub; each rejects with CommandError `failed`, `permission` or `unreachable`. */
export interface AmsAdmin {
  get(path: string): Promise<Answer>
  post(path: string, body: object): Promise<Answer>
}

/** The hub of `--url`, or of the running node of `--data`. @throws CommandError; SetupError `unreachable` where no node runs */
export async function amsAdmin(invocation: Invocation): Promise<AmsAdmin> {
  const token = await tokenOf(invocation)
  const url = await urlOf(invocation)
  const ask = async (path: string, init: RequestInit): Promise<Answer> => {
    const headers = { 'content-type': 'application/json', 'x-ams-token': token }
    const asked = answerOf(`${url}/admin/v1/${path}`, { ...init, headers, redirect: 'error' })
    return await withDeadline(asked, ANSWER_MS, url)
  }
  return {
    get: path => ask(path, { method: 'GET' }),
    post: (path, body) => ask(path, { method: 'POST', body: JSON.stringify(body) })
  }
}

async function tokenOf(invocation: Invocation): Promise<string> {
  const file = invocation.option('token')
  const from = file ?? ADMIN_VARIABLE
  const text = (
    file === undefined ? invocation.terminal.env[from] : await smallFile(file, MAX_TOKEN_BYTES)
  )?.trim()
  if (text === undefined || text === '')
    throw new CommandError(
      EXIT.usage,
      `no ADMIN token: give --token FILE, or set ${ADMIN_VARIABLE}; token add makes one`
    )
  if (!TOKEN.test(text))
    throw new CommandError(EXIT.badInput, `${printable(from)}: not a token; give its text alone`)
  return text
}

async function urlOf(invocation: Invocation): Promise<string> {
  const given = invocation.option('url')
  if (given !== undefined) return safeUrl(given)
  const data = invocation.option(DATA_OPTION.name)
  if (data === undefined || data === '')
    throw new CommandError(EXIT.usage, '--data DIR or --url URL is missing')
  const { connectAdmin } = await import('../node/admin/admin-client.ts')
  await using admin = await connectAdmin(data)
  const { http, http_writes: writes } = await withDeadline(admin.status(), ANSWER_MS, `the node of ${data}`)
  if (typeof http !== 'string' || writes === null)
    throw new CommandError(
      EXIT.failed,
      `the node of ${data}: serves no envelopes over HTTP; see gateway.enabled`
    )
  const { hostname, port } = new URL(http)
  return `http://${ANY[hostname] ?? hostname}:${port}`
}

/** A token goes over no network in the open. */
function safeUrl(given: string): string {
  const url = URL.parse(given)
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && LOOPBACK.includes(url.hostname))
  if (url === null || !isSafe)
    throw new CommandError(
      EXIT.badInput,
      `--url: ${printable(given)}: must be https://HOST, or http:// of this machine`
    )
  return url.href.replace(/\/+$/, '')
}

async function answerOf(url: string, init: RequestInit): Promise<Answer> {
  const { status, headers, text } = await fetched(url, init)
  const answer = objectIn(text)
  if (answer === undefined)
    throw new CommandError(
      EXIT.unreachable,
      `${url}: the answer, ${status}, is none of a hub; check the address`
    )
  if (status < 300) return answer
  const { error, message = '' } = answer
  const isDenied = status === 401 || (status === 403 && error === 'forbidden')
  if (isDenied)
    throw new CommandError(EXIT.permission, `the token is not good for this: it must have the role admin`)
  const retryAfterMs = Number(headers.get('retry-after') ?? Number.NaN) * 1000
  const again = Number.isFinite(retryAfterMs) && { retryAfterMs }
  throw new CommandError(
    EXIT.failed,
    answeredError({ status, code: error, message: String(message), ...again })
  )
}

async function fetched(url: string, init: RequestInit) {
  try {
    const answer = await fetch(url, { ...init, signal: AbortSignal.timeout(ANSWER_MS) })
    const { status, headers } = answer
    return { status, headers, text: await textOf(answer) }
  } catch (error) {
    const { cause } = error as { readonly cause?: unknown }
    const why = cause instanceof Error ? cause.message : (error as Error).message
    throw new CommandError(EXIT.unreachable, printable(`${url}: ${why}`), { cause: error })
  }
}

/** As far as it is believed. */
async function textOf({ body }: Response): Promise<string> {
  const reader = body?.getReader()
  const pieces: Uint8Array[] = []
  let bytes = 0
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true }
    if (done || value === undefined) return Buffer.concat(pieces).toString()
    pieces.push(value)
    bytes += value.length
    if (bytes <= MAX_ANSWER_BYTES) continue
    await reader?.cancel()
    throw new Error('the answer is too long')
  }
}

function objectIn(text: string): Answer | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && 'ok' in value ? (value as Answer) : undefined
  } catch {
    return undefined
  }
}
