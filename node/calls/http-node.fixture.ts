import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { MintRequest } from '../capabilities/mint-policy.ts'
import { endings } from '../endings.fixture.ts'
import type { OmnigateNode } from '../node.ts'
import { runningNode } from '../running-node.fixture.ts'
import { HTTP_PEER } from './stand-in.ts'

export const WRITE = 'write-token-of-at-least-32-bytes-1'
export const ADMIN = 'admin-token-of-at-least-32-bytes-1'
const env = { AMS_WRITE_TOKEN: WRITE, AMS_ADMIN_TOKEN: ADMIN }
const BY = { actor: 'local' } as const

export interface Asking {
  readonly token?: string | undefined
  readonly body?: object | string | Uint8Array
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

/** An answer with its JSON, where it has some. */
export interface Told {
  readonly status: number
  readonly headers: Headers
  readonly json: Readonly<Record<string, never>> & {
    readonly error?: string
    readonly items?: readonly Record<string, never>[]
  }
  readonly bytes: Buffer
}

export interface HttpNode {
  readonly node: OmnigateNode
  readonly url: string
  /** Its data folder. */
  readonly data: string
  /** A capability for HTTP alone, or with `bearer` for everywhere, as text. */
  mint(verb: string, more?: Partial<MintRequest>): Promise<string>
  ask(method: string, path: string, asking?: Asking): Promise<Told>
  /** A call of the mailbox whose body is JSON. */
  post(op: string, request: object, asking?: Asking): Promise<Told>
}

/** A node with a data folder that serves HTTP, until the test ends. */
export async function httpNode(
  t: { after(run: () => Promise<void>): void },
  flags: Readonly<Record<string, unknown>> = {}
): Promise<HttpNode> {
  const data = await mkdtemp(join(tmpdir(), 'omnigate-calls-'))
  endings(t as TestContext).defer(() => rm(data, { recursive: true, force: true }))
  const node = await runningNode(t as TestContext, {
    data: join(data, 'hub'),
    flags: {
      'http.enabled': true,
      'http.listen': '127.0.0.1:0',
      'quotas.tenantBytesPerSecond': 1_000_000_000,
      ...flags
    },
    // However busy the machine is, nothing is shed.
    options: { overrides: { env, loopDelay: { tick: () => undefined, take: () => 0 } } }
  })
  const url = node.status().http!
  const askOnce = async (method: string, path: string, asking: Asking = {}): Promise<Told> => {
    const { token, body, headers = {}, signal } = asking
    const isJson = body?.constructor === Object
    const answer = await fetch(`${url}${path}`, {
      method,
      redirect: 'manual',
      headers: {
        ...(isJson && { 'content-type': 'application/json' }),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...headers
      },
      ...(body !== undefined && { body: isJson ? JSON.stringify(body) : (body as string) }),
      ...(signal && { signal })
    })
    const bytes = Buffer.from(await answer.arrayBuffer())
    const isObject = answer.headers.get('content-type')?.startsWith('application/json') === true
    return {
      status: answer.status,
      headers: answer.headers,
      json: isObject && bytes.length > 0 ? JSON.parse(bytes.toString()) : {},
      bytes
    }
  }
  // While others keep the disk busy writes are shed, which is no matter of these tests.
  const ask: HttpNode['ask'] = async (method, path, asking) => {
    for (;;) {
      const told = await askOnce(method, path, asking)
      if (told.json.error !== 'saturated') return told
    }
  }
  return {
    node,
    url,
    data: join(data, 'hub'),
    async mint(verb, more = {}) {
      const holder = more.bearer === true || more.peer !== undefined ? {} : { peer: HTTP_PEER }
      const { token } = await node.capabilities().mint({ verb, tenant: 'default', ...holder, ...more }, BY)
      return Buffer.from(token).toString('base64url')
    },
    ask,
    post: (op, request, asking = {}) => ask('POST', `/mailbox/v1/${op}`, { ...asking, body: request })
  }
}

/** One event of a stream of server-sent events; comments are left out. */
export interface SentEvent {
  readonly event: string
  readonly id: string | undefined
  readonly data: Readonly<Record<string, unknown>>
}

/** The events of an answer, as they come. */
export async function* sentEvents(answer: Response): AsyncGenerator<SentEvent, void> {
  let text = ''
  for await (const piece of answer.body!.pipeThrough(new TextDecoderStream())) {
    text += piece
    for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
      const lines = text.slice(0, end).split('\n')
      text = text.slice(end + 2)
      const member = (name: string) =>
        lines.find(line => line.startsWith(`${name}: `))?.slice(name.length + 2)
      const event = member('event')
      if (event !== undefined) yield { event, id: member('id'), data: JSON.parse(member('data')!) }
    }
  }
}
