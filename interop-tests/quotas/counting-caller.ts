import { HEADER_BYTES, parseJson } from 'omnigate/protocols'
import { Attacker } from '../redteam/attacker.ts'
import { request } from '../redteam/raw-frame.ts'
import type { RawStream, Seen } from '../redteam/raw-stream.ts'
import { count, nothingTold } from './told.ts'
import type { Told } from './told.ts'

const END = 0x10
const ANSWER_MS = 20_000

/** A caller who notes each frame that it sends and gets: what a node counts must be the same. */
export class CountingCaller implements AsyncDisposable {
  readonly #attacker: Attacker
  readonly #stream: RawStream
  readonly told: Told = nothingTold()
  #corr = 1n

  private constructor(attacker: Attacker, stream: RawStream) {
    this.#attacker = attacker
    this.#stream = stream
  }

  static async connect(address: string): Promise<CountingCaller> {
    const attacker = await Attacker.create(address)
    return new CountingCaller(attacker, await attacker.stream('127.0.0.1'))
  }

  /** Sends `times` echo calls at once and resolves when each is answered. */
  async storm(times: number, { cap, bytes = 100 }: { cap?: Uint8Array; bytes?: number } = {}): Promise<void> {
    const body = new Uint8Array(bytes)
    const frames = Array.from({ length: times }, () =>
      request({ op: 'echo' }, { corr: this.#corr++, body, ...(cap && { cap }) })
    )
    const all = Buffer.concat(frames)
    this.told.calls += times
    this.told.bytesSent += all.length
    await this.#stream.write(all)
    for (let left = times; left > 0;) {
      const frame = await this.#stream.next(undefined, ANSWER_MS)
      if (frame === undefined) throw new Error(`${left} of ${times} calls have no answer`)
      if (this.#note(frame)) left--
    }
  }

  #note({ flags, code, payload }: Seen): boolean {
    this.told.bytesReceived += HEADER_BYTES + payload.length
    if ((flags & END) === 0) return false
    count(this.told.statuses, code)
    if (code !== 0) count(this.told.codes, parseJson(payload)['code'] as string)
    return true
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#attacker[Symbol.asyncDispose]()
  }
}
