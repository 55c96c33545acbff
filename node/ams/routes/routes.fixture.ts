import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { Bodies, bodiesClock } from '../../gateway/index.ts'
import Fastify from 'fastify'
import type { FastifyInstance, InjectOptions } from 'fastify'
import type { ArtifactBlobs, Pieces } from '../artifact-shelf.ts'
import type { AmsTold } from '../told.ts'
import { openLevel } from '../../stores/level.ts'
import { Ulids } from '../../stores/mailbox/ulid.ts'
import type { JudgedEnvelope, PostingRules } from '../posting.ts'
import type { Role } from '../access/roles.ts'
import type { Caller } from '../access/caller.ts'
import { openAmsStores } from './open-stores.ts'
import { adminRoutes, amsRoutes } from './plugin.ts'
import type { AmsParts } from './parts.ts'

/** Unix ms of everything that happens here. */
export const NOW_MS = Date.UTC(2026, 0, 2, 3, 4, 5, 678)
export const NOW = new Date(NOW_MS).toISOString()

export const note = (more: object = {}): Record<string, unknown> => ({
  type: 'note',
  thread: 't_a',
  from: 'ann',
  to: 'bob',
  payload: { text: 'hello' },
  ...more
})

interface Settings {
  readonly posting?: Partial<PostingRules>
  readonly options?: Partial<AmsParts>
  /** What all stores may take together. */
  readonly mostBytes?: number
  /** Told what the audit log is. */
  readonly tell?: (one: AmsTold) => Promise<void>
  /** What is added to the app before the routes. */
  readonly before?: (app: FastifyInstance, parts: AmsParts) => void
}

/**
 * The routes over stores in memory. Who asks is said by the header `x-role`, and whether it moderates by `x-moderator`; without
 * the first nobody asks.
 */
export async function surface({ posting, options, before, mostBytes, tell }: Settings = {}) {
  const level = await openLevel('memory')
  const told: AmsTold[] = []
  const judged: JudgedEnvelope[] = []
  const problems: string[] = []
  const errors: unknown[] = []
  const onCorrupt = (key: string): void => void errors.push(key)
  const blobs = new MemoryBlobs()
  const stores = await openAmsStores(level, {
    async tell(one) {
      await tell?.(one)
      const { trace, ...rest } = one
      told.push(trace === undefined ? rest : one)
    },
    blobs,
    mostBytes,
    now: () => NOW_MS,
    onCorrupt,
    onError: error => void errors.push(error)
  })
  const ulids = new Ulids()
  const app = Fastify({ logger: false, genReqId: () => 'req-1' })
  app.addHook('onRequest', async request => {
    const caller = callerOf(request.headers)
    if (caller !== undefined) request.caller = caller
  })
  const parts: AmsParts = {
    stores: () => stores,
    bodies: new Bodies({
      most: 2,
      stallMs: 60_000,
      makesWayAfterMs: 60_000,
      charge: () => 0,
      clock: bodiesClock,
      onCut: () => undefined
    }),
    posting: {
      validation: 'standard',
      isProofDemanded: false,
      secrets: new Map(),
      judge(envelope) {
        judged.push(envelope)
        return { status: 'accepted', reasons: [] }
      },
      isBlocked: from => stores.blocked.has(from),
      onLoose: () => undefined,
      ...posting
    },
    retention: {},
    health: () => ({
      service: 'omnigate',
      mode: 'memory',
      url: 'http://127.0.0.1:4803',
      write_mode: 'token',
      features: { sync: true }
    }),
    policy: () => ({ policy: { rules: [] }, policy_version: '1', policy_hash: 'ab'.repeat(32) }),
    nowMs: () => NOW_MS,
    newUlid: () => ulids.next(NOW_MS),
    refusal: () => undefined,
    onProblem: code => void problems.push(code),
    onError: error => void errors.push(error),
    ...options
  }
  before?.(app, parts)
  amsRoutes(parts)(app)
  adminRoutes(parts)(app)
  await app.ready()

  const ask = async (method: string, url: string, more: Partial<Asking> = {}) => {
    const { role = 'admin', body, headers = {}, isModerator = false } = more
    const isText =
      typeof body === 'string' || Buffer.isBuffer(body) || body instanceof Readable || body === undefined
    const answer = await app.inject({
      method: method as NonNullable<InjectOptions['method']>,
      url,
      headers: {
        ...(role && { 'x-role': role }),
        ...(isModerator && { 'x-moderator': '1' }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers
      },
      ...(body !== undefined && { payload: isText ? body : JSON.stringify(body) })
    })
    return answer
  }
  return { app, ask, stores, artifacts: stores.artifacts, blobs, level, told, judged, problems, errors }
}

interface Asking {
  readonly role: Role | null
  readonly body: object | string | Buffer | Readable
  readonly headers: Readonly<Record<string, string>>
  readonly isModerator: boolean
}

function callerOf(headers: Readonly<Record<string, unknown>>): Caller | undefined {
  const role = headers['x-role']
  if (typeof role !== 'string') return undefined
  return { role: role as Role, name: `${role}-token`, isModerator: headers['x-moderator'] === '1' }
}

const PIECE_BYTES = 65_536

/** Bytes by digest. */
export class MemoryBlobs implements ArtifactBlobs {
  readonly held = new Map<string, Uint8Array>()
  /** Readers that have not let go. */
  readers = 0
  /** What reading ends with, if it is to fail. */
  fails: Error | undefined

  async put(bytes: Uint8Array): Promise<string> {
    const id = createHash('sha256').update(bytes).digest('base64url')
    this.held.set(id, Buffer.from(bytes))
    return id
  }

  async open(id: string): Promise<Pieces | undefined> {
    const bytes = this.held.get(id)
    if (bytes === undefined) return undefined
    this.readers++
    const close = (): void => void this.readers--
    return { length: bytes.length, pieces: piecesOf(bytes, this.fails), [Symbol.dispose]: close }
  }

  async release(id: string): Promise<void> {
    this.held.delete(id)
  }
}

async function* piecesOf(bytes: Uint8Array, fails: Error | undefined): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    yield bytes.subarray(at, at + PIECE_BYTES)
    if (fails !== undefined) throw fails
  }
}
