import { setTimeout as sleep } from 'node:timers/promises'
import { storageService } from 'omnigate/protocols'
import { Honest } from '../honest.ts'
import { KNOWN_NETWORK } from '../target-messages.ts'
import { answerParent } from './helper-process.ts'

export interface FastBlob {
  readonly megabytesPerSecond: number
}

const LONG_MS = 600_000
const TRIES_MOST = 20
const PIECE_BYTES = 65_536
const [target] = process.argv.slice(2) as [string]
const peer = await Honest.connect(target, `${KNOWN_NETWORK}1`)
const storage = peer.client(storageService)

/** Pieces that all differ. */
function* pieces(bytes: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes; at += PIECE_BYTES) {
    const piece = new Uint8Array(PIECE_BYTES).fill(at >>> 16)
    new DataView(piece.buffer).setUint32(0, at / PIECE_BYTES)
    yield piece
  }
}

/** Again and again while the node has too much to do; what is measured is the try that was served. */
async function served<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work()
    } catch (error) {
      const { status, retryAfterMs } = error as { readonly status?: number; readonly retryAfterMs?: number }
      if (status !== 503 || retryAfterMs === undefined || tries === TRIES_MOST) throw error
      await sleep(retryAfterMs)
    }
  }
}

answerParent({
  put: ({ bytes }: { bytes: number }): Promise<string> =>
    served(async () => (await storage.put({}, { body: pieces(bytes), deadlineMs: LONG_MS })).cid),
  read: (asked: { cid: string; length: number }): Promise<FastBlob> => served(() => read(asked)),
  stored: (): Promise<number> => served(async () => (await storage.stat({})).blobs)
})

async function read({ cid, length }: { cid: string; length: number }): Promise<FastBlob> {
  const since = performance.now()
  const { body } = await storage.get({ cid, length, form: 'raw' }, { deadlineMs: LONG_MS })
  let read = 0
  for await (const piece of body) read += piece.length
  if (read !== length) throw new Error(`get: ${read} bytes came, not ${length}`)
  return { megabytesPerSecond: length / 1e3 / (performance.now() - since) }
}
