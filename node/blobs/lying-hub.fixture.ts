import type { Stream } from '@libp2p/interface'
import {
  DEFAULT_LIMITS,
  OapError,
  ServerSession,
  cidText,
  dagWalk,
  framedBlocks,
  parseCid,
  plainPlatform,
  serviceDirectory,
  storageService
} from '../../protocols/index.ts'
import type { Cid, ConnectionState, Service, SessionObserver } from '../../protocols/index.ts'

/** Serves one blob, of which it sends so many chunks as they are and the next one with a wrong bit. */
export function lyingStorage(
  root: Cid,
  length: number,
  blocks: (cid: Cid) => Uint8Array | undefined,
  honestChunks: number
): { readonly onStream: (stream: Stream) => void; readonly asked: () => number } {
  let asked = 0
  const service = {
    table: storageService,
    handlers: {
      ...Object.fromEntries(Object.keys(storageService.operations).map(op => [op, refuse])),
      has: ({ cids }: { readonly cids: readonly string[] }) => ({
        body: Uint8Array.of(cids[0] === cidText(root) ? 1 : 0)
      }),
      get: ({ cid, offset = 0, length: most }: { cid: string; offset?: number; length?: number }) => {
        asked++
        const walk = dagWalk({ cid: parseCid(cid), offset, length: most, blocks })
        const head = { cid, offset, length: Math.min(most ?? length, length - offset), total_len: length }
        return { head, body: lying(framedBlocks(walk), honestChunks) }
      }
    }
  } as unknown as Service
  const services = serviceDirectory([service])
  const onStream = (stream: Stream): void =>
    void new ServerSession(stream, {
      connection: new OpenConnection(),
      services,
      facts: () => ({ name: 'liar', hub: '', caps: [], revocation_seq: 0 }) as never,
      platform: plainPlatform,
      observer: QUIET
    })
  return { onStream, asked: () => asked }
}

const refuse = (): never => {
  throw new OapError('not_found')
}

async function* lying(
  chunks: AsyncIterable<Uint8Array>,
  honestChunks: number
): AsyncGenerator<Uint8Array, void> {
  let n = 0
  for await (const view of chunks) {
    const chunk = view.slice()
    if (n++ === honestChunks) chunk[chunk.length - 1]! ^= 1
    yield chunk
  }
}

/** A connection that everything is allowed on. */
class OpenConnection implements ConnectionState {
  readonly peer = 'anybody'
  readonly limits = DEFAULT_LIMITS
  readonly budget = {
    isSpent: false,
    reserve: () => true,
    hold() {},
    release() {},
    onRoom() {}
  }
  settle(): typeof DEFAULT_LIMITS {
    return DEFAULT_LIMITS
  }
  takeHello(): boolean {
    return true
  }
  openCall(): undefined {}
  endCall(): void {}
  received(): void {}
  streamed(): number {
    return 0
  }
  refused(): number {
    return 0
  }
  proved(): void {}
}

const QUIET: SessionObserver = {
  started() {},
  answered() {},
  apart() {},
  rejected() {},
  inflated() {},
  failed() {},
  broke() {}
}
