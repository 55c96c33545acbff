import type { NodeConnection } from 'omnigate/sdk'
import { storageService } from 'omnigate/protocols'
import type { Client } from 'omnigate/protocols'
import { DEADLINE_MS, LATE_MS, WrongAnswer, bytesOf, isEnough, outcomeOf } from './calls.ts'
import type { Outcome } from './calls.ts'
import { draw } from './random.ts'

const BLOB_BYTES = 400_000
const GETS = 3
const PUTS = 2

type Rows = Pick<Client<(typeof storageService)['operations']>, 'get' | 'put' | 'delete'>

/** A blob that is there before and is read, and others that are stored meanwhile; then all that was acknowledged is read. */
export class BlobWork {
  readonly #seed: number
  /** Content ids that the node acknowledged, with what is behind them. */
  readonly #kept = new Map<string, Uint8Array>()

  private constructor(seed: number) {
    this.#seed = seed
  }

  /** With a blob at the node, which `calm` reaches without a fault. */
  static async begin(calm: () => Promise<NodeConnection>, seed: number): Promise<BlobWork> {
    await using hub = await calm()
    return await BlobWork.on(hub.client(storageService), seed)
  }

  static async on(rows: Rows, seed: number): Promise<BlobWork> {
    const work = new BlobWork(seed)
    await work.#put(rows, 0)
    return work
  }

  under(hub: NodeConnection): Promise<Outcome[]> {
    return this.exchange(hub.client(storageService))
  }

  after(hub: NodeConnection): Promise<readonly string[]> {
    return this.lost(hub.client(storageService))
  }

  /** Reads and stores at once, over whatever link `rows` use. */
  async exchange(rows: Rows): Promise<Outcome[]> {
    const [first] = this.#kept
    const reads = this.#each('get', GETS, () => read(rows, first!))
    const writes = this.#each('put', PUTS, n => this.#put(rows, n + 1))
    return (await Promise.all([reads, writes])).flat()
  }

  /** What was acknowledged and is not there as it was sent. Takes all of it away again. */
  async lost(rows: Rows): Promise<readonly string[]> {
    const problems: string[] = []
    for (const kept of this.#kept) {
      try {
        await read(rows, kept)
        await rows.delete({ cid: kept[0] }, { deadlineMs: DEADLINE_MS })
      } catch (error) {
        problems.push(`blob ${kept[0]}: ${error instanceof Error ? error.message : String(error)}`)
      }
    }
    return problems
  }

  async #each(call: string, times: number, make: (n: number) => Promise<void>): Promise<Outcome[]> {
    const outcomes: Outcome[] = []
    for (let n = 0; n < times && !isEnough(outcomes); n++)
      outcomes.push(await outcomeOf(call, DEADLINE_MS + LATE_MS, () => make(n)))
    return outcomes
  }

  async #put(rows: Rows, n: number): Promise<void> {
    const bytes = bytesOf(draw(this.#seed, n) * 2 ** 32, BLOB_BYTES)
    const { cid, len } = await rows.put({}, { body: [bytes], deadlineMs: DEADLINE_MS })
    if (len !== bytes.length) throw new WrongAnswer(`${len} bytes stored of ${bytes.length}`)
    this.#kept.set(cid, bytes)
  }
}

async function read(rows: Rows, [cid, bytes]: readonly [string, Uint8Array]): Promise<void> {
  const { body } = await rows.get({ cid, form: 'raw' }, { deadlineMs: DEADLINE_MS })
  let at = 0
  for await (const piece of body) {
    if (Buffer.compare(piece, bytes.subarray(at, at + piece.length)) !== 0)
      throw new WrongAnswer(`other bytes between ${at} and ${at + piece.length}`)
    at += piece.length
  }
  if (at !== bytes.length) throw new WrongAnswer(`the blob ended at ${at} of ${bytes.length} bytes`)
}
