import type { FastifyReply, FastifyRequest } from 'fastify'
import { cidText } from '../../protocols/index.ts'
import type { Cid, ReadAhead } from '../../protocols/index.ts'
import { storageFault } from '../handlers/storage-fault.ts'
import type { BlockLease } from '../stores/blobs/index.ts'
import { blobHeaders } from './blob-headers.ts'
import { ReaderGone } from './bodies.ts'
import type { Bodies } from './bodies.ts'
import { byteRange } from './byte-range.ts'
import { carPart, carPieces } from './car-blocks.ts'
import { isNamed } from './etag.ts'
import { NOT_FOUND, Refusal } from './refusal.ts'
import type { Wanted } from './wanted.ts'

export interface AskedBlob {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly bodies: Bodies
  readonly cid: Cid
  readonly lease: BlockLease
  /** Room for leaves that are read before they are due. */
  readonly room: ReadAhead
  readonly wanted: Wanted
}

/** Answers with what is wanted of a public block; it has ended when this resolves. */
export async function answerBlob(asked: AskedBlob): Promise<unknown> {
  const { request, reply, bodies, cid, lease, room, wanted } = asked
  const isHead = request.method === 'HEAD'
  using place = isHead ? undefined : bodies.enter(reply.raw)
  const block = await read(lease, cid)
  const part = wanted.form === 'car' ? carPart(cid, block, wanted) : undefined
  const headers = blobHeaders(cidText(cid), wanted)
  if (isNamed(request.headers['if-none-match'], headers['etag']!)) return await unchanged(reply, headers)
  const { status, bytes, ...more } = part === undefined ? ranged(request, block, headers['etag']!) : CAR
  const all = { ...headers, ...more.headers }
  if (place === undefined) return await reply.headers(all).send()
  const ending = new AbortController()
  reply.raw.once('close', () => ending.abort())
  reply.hijack()
  // From here on a reader that takes its time is the body's business.
  request.raw.socket.setTimeout(0)
  reply.raw.writeHead(status, { ...stringsOf(reply.getHeaders()), ...all })
  const { signal } = ending
  const pieces = part === undefined ? [bytes ?? block] : carPieces(cid, block, part, lease, { signal, room })
  await place.send(pieces).catch((error: unknown) => {
    if (!ending.signal.aborted && !(error instanceof ReaderGone)) throw storageFault(error)
  })
}

interface Bytes {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly bytes?: Uint8Array
}

const CAR: Bytes = { status: 200 }

/** A block, or the range of it that a GET asks for. */
function ranged({ method, headers }: FastifyRequest, block: Uint8Array, etag: string): Bytes {
  const length = (bytes: Uint8Array) => ({ 'content-length': String(bytes.length) })
  const ifRange = headers['if-range']
  const isAsked = method === 'GET' && (ifRange === undefined || ifRange === etag)
  const range = isAsked ? byteRange(headers.range, block.length) : undefined
  if (range === undefined) return { status: 200, headers: length(block) }
  if (range === 'unsatisfiable')
    throw new Refusal(416, 'bad_range', `the block has ${block.length} bytes`, {
      'content-range': `bytes */${block.length}`
    })
  const { first, last } = range
  const bytes = block.subarray(first, last + 1)
  const contentRange = `bytes ${first}-${last}/${block.length}`
  return { status: 206, bytes, headers: { ...length(bytes), 'content-range': contentRange } }
}

async function read(lease: BlockLease, cid: Cid): Promise<Uint8Array> {
  try {
    const block = await lease.get(cid)
    if (block === undefined) throw NOT_FOUND()
    return block
  } catch (error) {
    throw storageFault(error)
  }
}

async function unchanged(reply: FastifyReply, headers: Readonly<Record<string, string>>): Promise<unknown> {
  const { etag, vary } = headers
  reply.headers({
    etag,
    vary,
    'cache-control': headers['cache-control'],
    'x-ipfs-path': headers['x-ipfs-path']
  })
  return await reply.code(304).send()
}

const stringsOf = (headers: ReturnType<FastifyReply['getHeaders']>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))
