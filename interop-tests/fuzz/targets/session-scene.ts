import { OapError, ServerSession } from 'omnigate/protocols'
import type { Guard, SessionObserver } from 'omnigate/protocols'
import type { Uint8ArrayList } from 'uint8arraylist'
import { memoryStreams } from '../../../protocols/memory-streams.ts'
import type { MemoryStream } from '../../../protocols/memory-streams.ts'
import { Answers, Asked } from './answers.ts'
import { sampleServices } from './sample-service.ts'
import { CountedBudget, CountedConnection, StillPlatform, turns } from './surroundings.ts'

/** What a peer or the time can do besides sending. */
export const ACTS = ['shape', 'turns', 'time', 'pause', 'resume', 'divide', 'fin', 'reset', 'drain'] as const
export type Act = (typeof ACTS)[number]

const facts = () => ({
  serverVersion: 'fuzz',
  transports: ['tcp'],
  revocationSeq: 0,
  apps: [0, 0x1001],
  compression: true
})

const guards: readonly (Guard | undefined)[] = [
  undefined,
  () => Promise.resolve(undefined),
  ({ call }) => (call.corr === 3 ? new OapError('cap_denied') : undefined),
  async ({ call }) => {
    await turns(1)
    if (call.corr === 2) return new OapError('quota_peer', 'not yet', { retryAfterMs: 1000 })
    return undefined
  }
]

/** What a `shape` step at the beginning of an input decides. */
export const shapeOf = (amount: number) => ({
  guard: guards[amount & 3],
  windowBytes: (amount & 4) === 0 ? 262_144 : 64,
  budgetBytes: (amount & 8) === 0 ? Infinity : 256
})

/** One session, the peer that abuses it, and what both have seen. */
export class SessionScene {
  readonly faults: unknown[] = []
  readonly asked = new Asked()
  readonly answers = new Answers()
  readonly connection: CountedConnection
  readonly session: ServerSession
  readonly peer: MemoryStream
  readonly far: MemoryStream
  readonly platform = new StillPlatform()
  readonly isRoomy: boolean
  sentBytes = 0
  heardBytes = 0
  isOver = false
  #pieceBytes = Infinity

  constructor({ guard, windowBytes, budgetBytes }: ReturnType<typeof shapeOf>) {
    ;[this.peer, this.far] = memoryStreams({ windowBytes })
    this.isRoomy = budgetBytes === Infinity && windowBytes > 64
    this.connection = new CountedConnection(new CountedBudget(budgetBytes))
    this.session = new ServerSession(this.far, {
      connection: this.connection,
      services: sampleServices(),
      facts,
      platform: this.platform,
      observer: this.#observer(),
      ...(guard === undefined ? {} : { guard })
    })
    this.peer.addEventListener('message', ({ data }: { data: Uint8Array | Uint8ArrayList }) =>
      this.#hear(data)
    )
  }

  #observer(): SessionObserver {
    const keep = (error: unknown): void => void this.faults.push(error)
    return {
      started() {},
      answered() {},
      apart() {},
      rejected() {},
      inflated() {},
      failed: (_, error) => keep(error),
      broke: keep
    }
  }

  #hear(data: Uint8Array | Uint8ArrayList): void {
    this.heardBytes += data.byteLength
    try {
      this.answers.push(data.subarray())
    } catch (error) {
      this.faults.push(error)
    }
  }

  readonly progress = (): number =>
    this.heardBytes + this.far.readBufferLength * 31 + this.peer.writeBufferLength * 37

  send(bytes: Uint8Array): void {
    const size = Math.max(1, this.#pieceBytes)
    for (let at = 0; at < bytes.length && !this.isOver && this.peer.status === 'open'; at += size) {
      const piece = bytes.subarray(at, at + size)
      this.peer.send(piece)
      this.asked.push(piece)
      this.sentBytes += piece.length
    }
  }

  readonly #acts: Readonly<Record<Act, (amount: number) => void | Promise<void>>> = {
    shape: () => {},
    turns: amount => turns(1 + (amount & 7)),
    time: amount => {
      this.platform.advance(amount * 16)
      this.session.tick(this.platform.now())
      this.isTimeless = false
    },
    pause: () => {
      if (this.peer.readStatus === 'readable') this.peer.pause()
    },
    resume: () => {
      if (this.peer.readStatus === 'paused') this.peer.resume()
    },
    divide: amount => void (this.#pieceBytes = amount === 0 ? Infinity : amount),
    fin: () => {
      this.isOver = true
      void this.peer.close()
    },
    reset: () => {
      this.isOver = true
      this.peer.abort(new Error('enough'))
    },
    drain: () => {
      this.isTimeless = false
      this.session.drain()
    }
  }

  /** False once time has passed or the node drains, which may end a session by itself. */
  isTimeless = true

  act(act: Act, amount: number): void | Promise<void> {
    return this.#acts[act](amount)
  }
}
