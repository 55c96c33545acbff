import type { Connection, Stream } from '@libp2p/interface'
import { ExpectationFailure } from './expectation-failure.ts'

const IDENTIFY = '/ipfs/id/1.0.0'
const WITHIN_MS = 5000
const MOST_BYTES = 65_536

/** Names of protocols, and whether the node is to agree to one of them or to know none. */
export interface Proposal {
  readonly names: readonly string[]
  readonly agrees: boolean
}

/** @throws ExpectationFailure where the node takes a proposal otherwise */
export async function propose(connection: Connection, { names, agrees }: Proposal): Promise<void> {
  const stream = await opened(connection, names)
  stream?.abort(new Error('the case is over'))
  if ((stream !== undefined) === agrees) return
  throw new ExpectationFailure(
    agrees ? `one of ${names.join(', ')}` : 'na to each, as to a name that nobody knows',
    stream === undefined ? 'na to each' : `a stream of ${stream.protocol}`
  )
}

/** @throws ExpectationFailure where identify names a protocol that begins so */
export async function identifiesWithout(connection: Connection, names: readonly string[]): Promise<void> {
  const stream = await opened(connection, [IDENTIFY])
  if (stream === undefined) return
  const told = (await readAll(stream)).toString('latin1')
  const named = names.filter(name => told.includes(name))
  if (named.length === 0) return
  throw new ExpectationFailure('no word of what is for links in identify', named.join(', '))
}

/** Undefined where the node knows none of the names. */
async function opened(connection: Connection, names: readonly string[]): Promise<Stream | undefined> {
  const options = { signal: AbortSignal.timeout(WITHIN_MS), maxOutboundStreams: 512 }
  try {
    return await connection.newStream([...names], options)
  } catch (error) {
    if ((error as Error).name === 'UnsupportedProtocolError') return undefined
    throw new ExpectationFailure(`an answer to ${names.join(', ')}`, String(error))
  }
}

async function readAll(stream: Stream): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  const over = Promise.withResolvers<void>()
  const late = setTimeout(over.resolve, WITHIN_MS)
  let length = 0
  stream.addEventListener('message', ({ data }) => {
    pieces.push(data.subarray())
    length += data.byteLength
    if (length > MOST_BYTES) over.resolve()
  })
  stream.addEventListener('remoteCloseWrite', () => over.resolve())
  stream.addEventListener('close', () => over.resolve())
  await over.promise
  clearTimeout(late)
  stream.abort(new Error('all was read'))
  return Buffer.concat(pieces)
}
