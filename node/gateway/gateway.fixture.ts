import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { request } from 'node:http'
import type { IncomingHttpHeaders } from 'node:http'
import type { TestContext } from 'node:test'
import { cidOf, cidText, storageService } from '../../protocols/index.ts'
import { connect } from '../../sdk/index.ts'
import { endings } from '../endings.fixture.ts'
import { runningNode } from '../running-node.fixture.ts'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

export interface Ask {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
}

export const REQUEST_ID = 'asked-1'

/** A node with a gateway on loopback, and somebody who stores blobs there. */
export async function gatewayNode(t: TestContext, flags: Record<string, unknown> = {}, data?: string) {
  const node = await runningNode(t, {
    data,
    flags: {
      'http.enabled': true,
      'http.listen': '127.0.0.1:0',
      'limits.maxDelayMs': 60_000,
      'quotas.prefixCallsPerSecond': 5000,
      ...flags
    },
    // However busy the machine is, nothing is shed.
    options: { overrides: { loopDelay: { tick: () => undefined, take: () => 0 } } }
  })
  const { token } = await node
    .capabilities()
    .mint({ verb: 'storage:put,storage:delete', tenant: 'default', bearer: true }, { actor: 'local' })
  const hub = await connect(node.status().addresses[0]!, { cap: Buffer.from(token).toString('base64url') })
  endings(t).use(hub)
  const url = node.status().http!
  const blobs = hub.client(storageService)
  return {
    node,
    url,
    port: Number(new URL(url).port),
    ask: (path: string, how?: Ask) => asked(url, path, how),
    put: async (bytes: Uint8Array, blobClass: 'public' | 'federated' | 'private', more = {}) =>
      (await blobs.put({ class: blobClass, ...more }, { body: [bytes] })).cid,
    remove: async (cid: string) => void (await blobs.delete({ cid }))
  }
}

/** The path goes out as it is, under one request id, so that answers which are the same are so in every byte. */
async function asked(url: string, path: string, { method = 'GET', headers = {} }: Ask = {}): Promise<Answer> {
  const { hostname, port } = new URL(url)
  const own = { 'x-request-id': REQUEST_ID, ...headers }
  const call = request({ hostname, port, path, method, headers: own, agent: false })
  call.end()
  const [response] = await once(call, 'response')
  const pieces: Buffer[] = []
  for await (const piece of response) pieces.push(piece as Buffer)
  return { status: Number(response.statusCode), headers: response.headers, body: Buffer.concat(pieces) }
}

export const rawCid = (bytes: Uint8Array | string): string =>
  cidText(cidOf('raw', createHash('sha256').update(bytes).digest()))

/** What an answer says besides the time. */
export const without = ({ status, headers: { date, ...headers }, body }: Answer) => ({
  status,
  headers,
  body: body.toString(),
  isDated: date !== undefined
})

export interface CarBlock {
  readonly cid: string
  readonly bytes: Buffer
}

/** A CARv1 as its root and its blocks, each of which has the hash that stands over it. */
export function readCar(car: Buffer): { readonly root: string; readonly blocks: readonly CarBlock[] } {
  let at = 0
  const section = (): Buffer => {
    let length = 0
    for (let shift = 1, byte = 0x80; byte >= 0x80; shift *= 128) {
      byte = car[at++]!
      length += (byte & 0x7f) * shift
    }
    if (at + length > car.length) throw new Error('the CAR is cut off')
    return car.subarray(at, (at += length))
  }
  const head = section()
  const root = textOf(head.subarray(13, head.length - 9))
  const blocks: CarBlock[] = []
  while (at < car.length) {
    const block = section()
    const bytes = block.subarray(36)
    if (!createHash('sha256').update(bytes).digest().equals(block.subarray(4, 36)))
      throw new Error('bad block')
    blocks.push({ cid: textOf(block.subarray(0, 36)), bytes })
  }
  return { root, blocks }
}

const textOf = (bytes: Uint8Array): string => cidText({ bytes })
