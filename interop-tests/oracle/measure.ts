import { createHash, randomBytes, randomInt } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { cidOf, cidText, storageService } from 'omnigate/protocols'
import { connect } from 'omnigate/sdk'
import { Child } from '../child.ts'
import { differenceOf } from './difference.ts'
import type { Difference } from './difference.ts'

const WARM_UP = 100
const PUTS_AT_ONCE = 8
const SMALL_BYTES = 200
const PUT_BYTES = 20_000
/** Of the requests, so many may be refused by a node that has too much to do; more of them, and nothing was measured. */
const REFUSED_MOST = 0.1

export const OPERATIONS = ['get', 'has', 'providers', 'gateway', 'routing', 'put'] as const
export type Operation = (typeof OPERATIONS)[number]

type Blobs = ReturnType<typeof blobsOf>
type Kind = 'hidden' | 'absent'

interface Content {
  readonly kind: Kind
  readonly bytes: Buffer
}

interface Way {
  readonly bytes: number
  readonly ask: (blobs: Blobs, content: Buffer, http: string) => Promise<unknown>
}

/** A node with two tenants: one stores, the other asks for what the first has and for what nobody has. */
export class Asker implements AsyncDisposable {
  readonly #child: Child
  readonly #http: string
  readonly #hubs: readonly Hub[]

  private constructor(child: Child, http: string, hubs: readonly Hub[]) {
    this.#child = child
    this.#http = http
    this.#hubs = hubs
  }

  /** With `isPlanted`, of a node that takes longer for what is stored, on purpose. */
  static async start({ isPlanted = false } = {}): Promise<Asker> {
    const script = fileURLToPath(new URL('node-process.ts', import.meta.url))
    const child = new Child(process.execPath, [script, ...(isPlanted ? ['planted'] : [])])
    try {
      const { address, http, owner, other } = (await child.firstJson()) as Record<
        'address' | 'http' | 'owner' | 'other',
        string
      >
      return new Asker(child, http, [
        await connect(address, { cap: owner }),
        await connect(address, { cap: other })
      ])
    } catch (error) {
      await child[Symbol.asyncDispose]()
      throw error
    }
  }

  /** The times until answers about what is hidden against those about what is absent: half of `count` each, in random order, one at a time. */
  async compare(operation: Operation, count: number): Promise<Difference> {
    const [theirs, ours] = this.#hubs.map(blobsOf) as [Blobs, Blobs]
    const { bytes, ask } = WAYS[operation]
    const contents = shuffled(count + WARM_UP, bytes)
    await stored(theirs, contents)
    const times: Record<Kind, number[]> = { hidden: [], absent: [] }
    let refused = 0
    for (const [n, { kind, bytes: content }] of contents.entries()) {
      const from = performance.now()
      const waitMs = await refusal(ask(ours, content, this.#http))
      if (waitMs === undefined) {
        if (n >= WARM_UP) times[kind].push(performance.now() - from)
      } else if (++refused > count * REFUSED_MOST) {
        throw new Error(`${operation}: the node has too much to do: ${refused} requests were refused`)
      } else await sleep(waitMs)
    }
    return differenceOf(times.hidden, times.absent)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#hubs.map(hub => hub.close()))
    this.#child.endInput()
    await this.#child.ended()
  }
}

type Hub = Awaited<ReturnType<typeof connect>>

const blobsOf = (hub: Hub) => hub.client(storageService)

const cidFor = (bytes: Buffer): string => cidText(cidOf('raw', createHash('sha256').update(bytes).digest()))

const WAYS: Readonly<Record<Operation, Way>> = {
  get: { bytes: SMALL_BYTES, ask: (blobs, content) => notFound(blobs.get({ cid: cidFor(content) })) },
  has: { bytes: SMALL_BYTES, ask: (blobs, content) => blobs.has({ cids: [cidFor(content)] }) },
  providers: { bytes: SMALL_BYTES, ask: (blobs, content) => blobs.providers({ cid: cidFor(content) }) },
  gateway: {
    bytes: SMALL_BYTES,
    ask: (_, content, http) => answered(`${http}/ipfs/${cidFor(content)}?format=raw`, 404)
  },
  routing: {
    bytes: SMALL_BYTES,
    ask: (_, content, http) => answered(`${http}/routing/v1/providers/${cidFor(content)}`, 200)
  },
  put: { bytes: PUT_BYTES, ask: (blobs, content) => blobs.put({}, { body: [content] }) }
}

/** What a hidden blob must answer; a blob that is answered is worse than any difference of times. */
async function notFound(answer: Promise<unknown>): Promise<void> {
  try {
    await answer
  } catch (error) {
    if ((error as { readonly code?: string }).code === 'not_found') return
    throw error
  }
  throw new Error('not_found was expected, an answer came')
}

/** The same over HTTP, with the status of what nobody has. */
async function answered(url: string, expected: number): Promise<void> {
  const answer = await fetch(url)
  await answer.arrayBuffer()
  const { status, headers } = answer
  if (status === expected) return
  const retryAfterMs = Number(headers.get('retry-after') ?? 1) * 1000
  throw Object.assign(new Error(`${expected} was expected, ${status} came`), { status, retryAfterMs })
}

/** How long to wait before another try where a node that has too much to do refused; every other error is thrown. */
async function refusal(answer: Promise<unknown>): Promise<number | undefined> {
  try {
    await answer
    return undefined
  } catch (error) {
    const { status, retryAfterMs } = error as { readonly status?: number; readonly retryAfterMs?: number }
    if (status !== 503 || retryAfterMs === undefined) throw error
    return retryAfterMs
  }
}

/** Half of them are to be hidden, in an order that nobody can guess. */
function shuffled(count: number, bytes: number): Content[] {
  const all = Array.from({ length: count }, (_, n): Content => ({
    kind: n % 2 === 0 ? 'hidden' : 'absent',
    bytes: randomBytes(bytes)
  }))
  for (let n = all.length - 1; n > 0; n--) {
    const other = randomInt(n + 1)
    ;[all[n], all[other]] = [all[other]!, all[n]!]
  }
  return all
}

async function stored(blobs: Blobs, contents: readonly Content[]): Promise<void> {
  const queue = contents.filter(({ kind }) => kind === 'hidden').values()
  const lane = async (): Promise<void> => {
    for (const { bytes } of queue) {
      let waitMs: number | undefined
      while ((waitMs = await refusal(blobs.put({}, { body: [bytes] }))) !== undefined) await sleep(waitMs)
    }
  }
  await Promise.all(Array.from({ length: PUTS_AT_ONCE }, lane))
}
