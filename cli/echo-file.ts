import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import type { NodeConnection } from '../sdk/index.ts'
import { CommandError } from './command-error.ts'
import { echoBytes } from './echo-text.ts'
import { EXIT } from './exit-codes.ts'
import { newFile } from './new-file.ts'
import type { NewFile } from './new-file.ts'
import { bytesText } from './quantity.ts'

/** Room for the record header beside a body in one frame. */
const HEADER_ROOM_BYTES = 256
const READ_BYTES = 262_144
/** No byte either way for this long ends a stream. */
const STALL_MS = 30_000
const PROGRESS_MS = 200

export interface Echoed {
  readonly operation: 'echo' | 'stream'
  readonly bytes: number
  readonly ms: number
  readonly isEqual: boolean
  /** Of what came back, in hex. */
  readonly sha256: string
  /** What came back, for a text; equal to what the caller wrote, and so safe to print. */
  readonly answer?: string
}

export interface EchoFileOptions {
  readonly output: string | undefined
  readonly progress: (line: string) => void
}

/** Sends a file of any size in memory that does not grow with it. */
export async function echoFile(
  node: NodeConnection,
  path: string,
  { output, progress }: EchoFileOptions
): Promise<Echoed> {
  const { MAX_PAYLOAD_BYTES } = await import('../protocols/index.ts')
  await using file = await openRegular(path)
  await using into = output === undefined ? undefined : await newFile(output)
  const { size } = await file.stat()
  const echoed =
    size <= MAX_PAYLOAD_BYTES - HEADER_ROOM_BYTES
      ? await inOneCall(node, file, into)
      : await streamed(node, file, { into, size, progress })
  if (echoed.isEqual) await into?.commit()
  return echoed
}

async function openRegular(path: string): Promise<FileHandle> {
  const { SetupError, systemError } = await import('../node/setup-error.ts')
  try {
    const file = await open(path)
    if ((await file.stat()).isFile()) return file
    await file.close()
    throw new SetupError('badInput', `${path}: not a regular file; give the path of one`)
  } catch (error) {
    throw systemError(path, error)
  }
}

async function inOneCall(node: NodeConnection, file: FileHandle, into: NewFile | undefined): Promise<Echoed> {
  const { came, ...echoed } = await echoBytes(node, await file.readFile())
  await into?.write(came)
  return echoed
}

interface Streaming {
  readonly into: NewFile | undefined
  readonly size: number
  readonly progress: (line: string) => void
}

async function streamed(
  node: NodeConnection,
  file: FileHandle,
  { into, size, progress }: Streaming
): Promise<Echoed> {
  const { echoService } = await import('../protocols/index.ts')
  const sent = createHash('sha256')
  const came = createHash('sha256')
  const stalled = new AbortController()
  const timer = setTimeout(() => stalled.abort(new CommandError(EXIT.unreachable, STALLED)), STALL_MS)
  const begun = performance.now()
  let bytes = 0
  let shownAt = begun
  try {
    const { body } = await node
      .client(echoService)
      .stream(
        {},
        { body: pieces(file, piece => void (sent.update(piece), timer.refresh())), signal: stalled.signal }
      )
    for await (const piece of body) {
      timer.refresh()
      came.update(piece)
      bytes += piece.length
      await into?.write(piece)
      if (performance.now() - shownAt < PROGRESS_MS) continue
      shownAt = performance.now()
      progress(`${bytesText(bytes)} of ${bytesText(size)} are back`)
    }
  } finally {
    clearTimeout(timer)
    progress('')
  }
  const ms = performance.now() - begun
  const sha256 = came.digest('hex')
  return { operation: 'stream', bytes, ms, isEqual: sha256 === sent.digest('hex'), sha256 }
}

const STALLED = `no byte went either way for ${STALL_MS / 1000} s; the node or the way to it is stuck`

async function* pieces(file: FileHandle, seen: (piece: Uint8Array) => void): AsyncGenerator<Uint8Array> {
  for (;;) {
    // A piece may be in use until it is on its way, so each has memory of its own.
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(READ_BYTES), 0, READ_BYTES, null)
    if (bytesRead === 0) return
    const piece = buffer.subarray(0, bytesRead)
    seen(piece)
    yield piece
  }
}
