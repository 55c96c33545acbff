import { randomBytes } from 'node:crypto'
import type { Connection, Libp2p, Stream, StreamMessageEvent } from '@libp2p/interface'
import { PING_PROTOCOL } from '@libp2p/ping'

const PING_BYTES = 32

export interface Liveness {
  /** Each connection is asked this often. */
  readonly intervalMs: number
  /** A peer that has not answered by then is gone. */
  readonly timeoutMs: number
  /** From 0 to 1: when in its first interval a connection is asked; many must not be asked in one turn. */
  readonly phase?: () => number
}

/** Aborts connections of `node` whose peers no longer answer a ping. One that does not speak ping is alive. */
export function watchLiveness(node: Libp2p, { intervalMs, timeoutMs, phase = Math.random }: Liveness): void {
  const timers = new Map<Connection, NodeJS.Timeout>()
  const askIn = (connection: Connection, ms: number): void => {
    timers.set(connection, setTimeout(() => void ask(connection), ms).unref())
  }

  async function ask(connection: Connection): Promise<void> {
    try {
      await ping(connection, AbortSignal.timeout(timeoutMs))
      if (timers.has(connection)) askIn(connection, intervalMs)
    } catch (error) {
      connection.abort(error as Error)
    }
  }

  node.addEventListener('connection:open', ({ detail }) => askIn(detail, intervalMs * phase()))
  node.addEventListener('connection:close', ({ detail }) => {
    clearTimeout(timers.get(detail))
    timers.delete(detail)
  })
}

/** Resolves when the peer has answered, be it that it does not speak ping. */
async function ping(connection: Connection, signal: AbortSignal): Promise<void> {
  let stream: Stream
  try {
    stream = await connection.newStream(PING_PROTOCOL, { signal, runOnLimitedConnection: true })
  } catch (error) {
    if ((error as Error).name === 'UnsupportedProtocolError') return
    throw error
  }
  try {
    await answer(stream, signal)
    // It may never end its half; the next ping has a stream of its own.
    stream.abort(new Error('answered'))
  } catch (error) {
    stream.abort(error as Error)
    throw error
  }
}

function answer(stream: Stream, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    let missing = PING_BYTES
    stream.addEventListener('message', ({ data }: StreamMessageEvent) => {
      missing -= data.byteLength
      if (missing <= 0) resolve()
    })
    stream.addEventListener('close', () => reject(new Error('the peer ended its ping')))
    signal.addEventListener('abort', () => reject(new Error('the peer did not answer a ping')))
    stream.send(randomBytes(PING_BYTES))
  })
}
