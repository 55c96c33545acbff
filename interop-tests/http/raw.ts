import { once } from 'node:events'
import { connect } from 'node:net'
import { within } from '../child.ts'

const CLOSE_MS = 60_000

export interface RawAnswer {
  /** Of each answer that came. */
  readonly statuses: readonly number[]
  readonly text: string
}

/** Sends pieces of bytes as they are, each once the one before has left, and reads until the hub ends the connection. */
export async function raw(port: number, ...pieces: readonly (string | Uint8Array)[]): Promise<RawAnswer> {
  const socket = connect(port, '127.0.0.1')
  const got: Buffer[] = []
  socket.on('data', (piece: Buffer) => void got.push(piece)).on('error', () => undefined)
  const closed = once(socket, 'close')
  for (const piece of pieces) {
    const bytes = typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece
    // It may have been refused already.
    if (socket.writable) await new Promise<void>(resolve => void socket.write(bytes, () => resolve()))
  }
  await within(CLOSE_MS, 'the end of the connection', closed)
  const text = Buffer.concat(got).toString('latin1')
  return { statuses: [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status)), text }
}
