import { retryDelayMs } from '../../federation/index.ts'
import { OapError, decodePayload, federationService } from '../../protocols/index.ts'
import { draw } from '../faults/random.ts'
import type { VirtualTime } from './virtual-time.ts'

/** What hubs call of each other in a simulation. */
export type Op = 'share_state' | 'share_pull' | 'equivocation'
export const OPS: readonly Op[] = ['share_state', 'share_pull', 'equivocation']

/** One side of a link: a hub that runs. */
export interface Side {
  readonly n: number
  /** A caller of the other hub, which is linked from now on. */
  up(other: number, client: LinkClient): void
  down(other: number): void
  /** Never settles where it does not answer. */
  answer(from: number, op: Op, request: object): Promise<unknown>
}

export type LinkClient = Readonly<
  Record<Op, (request: object, options?: { deadlineMs?: number; signal?: AbortSignal }) => Promise<unknown>>
>

export interface NetworkOptions {
  readonly seed: number
  readonly time: VirtualTime
  /** Hears of each payload before its receiver does. */
  readonly carried: (carried: Carried) => void
  readonly trace: (line: string) => void
}

export interface Carried {
  readonly from: number
  readonly to: number
  readonly op: Op
  readonly is: 'request' | 'answer'
  readonly request: object
  readonly payload: Uint8Array
}

interface Call {
  readonly link: Link
  readonly from: number
  readonly fail: (error: OapError) => void
  /** Its deadline is nobody's matter any more. */
  readonly ended: () => void
}

interface Link {
  readonly pair: readonly [number, number]
  isUp: boolean
  /** Another each time it comes up. */
  epoch: number
  failures: number
  /** Of these the last one counts. */
  dials: number
  /** Calls and announcements sent, for what is drawn of each. */
  sent: number
}

interface Count {
  calls: number
  bytes: number
}

/**
 * Links between hubs, and calls over them. Requests and answers go through the codecs of the real service, so each side
 * sees what has been parsed; between them lies a time that is drawn. A call whose link breaks fails at once.
 */
export class Network {
  counts: Record<Op, Count> = none()
  readonly #o: NetworkOptions
  readonly #links = new Map<string, Link>()
  readonly #of = new Map<number, Link[]>()
  readonly #sides = new Map<number, Side>()
  readonly #calls = new Set<Call>()
  readonly #blocks = new Set<(a: number, b: number) => boolean>()

  constructor(options: NetworkOptions, pairs: Iterable<readonly [number, number]>) {
    this.#o = options
    for (const [a, b] of pairs) {
      const pair: readonly [number, number] = a < b ? [a, b] : [b, a]
      if (this.#links.has(pair.join())) continue
      const link: Link = { pair, isUp: false, epoch: 0, failures: 0, dials: 0, sent: 0 }
      this.#links.set(pair.join(), link)
      for (const n of pair) this.#of.set(n, [...(this.#of.get(n) ?? []), link])
    }
  }

  /** Counts from now on. */
  reset(): void {
    this.counts = none()
  }

  /** Hubs that a hub is linked with at this moment. */
  linked(n: number): readonly number[] {
    return (this.#of.get(n) ?? []).filter(({ isUp }) => isUp).map(link => otherOf(link, n))
  }

  isLinked(a: number, b: number): boolean {
    return this.#links.get(a < b ? `${a},${b}` : `${b},${a}`)?.isUp === true
  }

  get pairs(): readonly (readonly [number, number])[] {
    return [...this.#links.values()].map(({ pair }) => pair)
  }

  /** Calls of a hub that nobody has answered yet. */
  underWay(n: number): number {
    let count = 0
    for (const { from } of this.#calls) if (from === n) count++
    return count
  }

  /** A hub runs from now on. */
  join(side: Side): void {
    this.#sides.set(side.n, side)
    for (const link of this.#of.get(side.n) ?? []) {
      link.failures = 0
      this.#dialSoon(link)
    }
  }

  /** It stopped, and is told of nothing any more. */
  leave(n: number): void {
    this.#sides.delete(n)
    for (const call of this.#calls) {
      if (call.from !== n) continue
      this.#calls.delete(call)
      call.ended()
    }
    for (const link of this.#of.get(n) ?? []) this.#break(link)
  }

  /** Nobody reaches another where this says so, until the function that it gives is called. */
  block(isBlocked: (a: number, b: number) => boolean): () => void {
    this.#blocks.add(isBlocked)
    for (const link of this.#links.values()) if (isBlocked(...link.pair)) this.#break(link)
    return () => void this.#blocks.delete(isBlocked)
  }

  /** How long the next thing between two hubs takes, and two more draws for whoever sends it. */
  fate(a: number, b: number): { readonly ms: number; readonly draws: readonly [number, number] } {
    const link = this.#links.get(a < b ? `${a},${b}` : `${b},${a}`)!
    const turn = link.sent++
    const drawn = (of: number): number => draw(this.#o.seed, 7, a * 4096 + b, turn, of)
    // Most take some tens of milliseconds, a few of them seconds.
    const ms = 5 + drawn(0) * 60 + (drawn(1) < 0.02 ? drawn(2) * 4000 : 0)
    return { ms, draws: [drawn(3), drawn(4)] }
  }

  #dialSoon(link: Link): void {
    const dial = ++link.dials
    const random = draw(this.#o.seed, 8, ...link.pair, link.epoch, link.failures)
    const wait =
      link.failures === 0
        ? random * 500
        : retryDelayMs({ failures: link.failures, wasRefused: false }, random)
    this.#o.time.after(wait, () => {
      if (link.isUp || link.dials !== dial || !link.pair.every(n => this.#sides.has(n))) return
      if (this.#isBlocked(link)) {
        link.failures++
        return this.#dialSoon(link)
      }
      this.#up(link)
    })
  }

  #up(link: Link): void {
    const [a, b] = link.pair
    Object.assign(link, { isUp: true, epoch: link.epoch + 1, failures: 0 })
    this.#o.trace(`up ${a} ${b}`)
    this.#sides.get(a)!.up(b, this.#client(link, a, b))
    this.#sides.get(b)!.up(a, this.#client(link, b, a))
  }

  #break(link: Link): void {
    if (!link.isUp) return
    Object.assign(link, { isUp: false, epoch: link.epoch + 1, failures: 1 })
    const [a, b] = link.pair
    this.#o.trace(`down ${a} ${b}`)
    for (const call of this.#calls)
      if (call.link === link)
        call.fail(new OapError('upstream', 'the link broke', { reason: 'session_lost' }))
    this.#sides.get(a)?.down(b)
    this.#sides.get(b)?.down(a)
    this.#dialSoon(link)
  }

  #isBlocked({ pair }: Link): boolean {
    return [...this.#blocks].some(isBlocked => isBlocked(...pair))
  }

  #client(link: Link, from: number, to: number): LinkClient {
    const calling = OPS.map(op => [
      op,
      (request: object, options: { deadlineMs?: number; signal?: AbortSignal } = {}) =>
        this.#call(link, from, to, op, request, options)
    ])
    return Object.fromEntries(calling) as LinkClient
  }

  #call(
    link: Link,
    from: number,
    to: number,
    op: Op,
    request: object,
    { deadlineMs = 15_000, signal }: { deadlineMs?: number; signal?: AbortSignal }
  ): Promise<unknown> {
    const { time } = this.#o
    const { epoch } = link
    return new Promise((resolve, reject) => {
      const end = (settle: () => void): void => {
        if (!this.#calls.delete(call)) return
        call.ended()
        settle()
      }
      const fail = (error: OapError): void => end(() => reject(error))
      const call: Call = {
        link,
        from,
        fail,
        ended: time.after(deadlineMs, () => fail(new OapError('deadline', 'no answer')))
      }
      this.#calls.add(call)
      if (!link.isUp) return fail(new OapError('upstream', 'no link', { reason: 'session_lost' }))
      signal?.addEventListener('abort', () =>
        fail(new OapError('upstream', 'the link ended', { reason: 'cancelled' }))
      )
      const asked = encodedRequest(op, request)
      this.#count({ from, to, op, is: 'request', request, payload: asked })
      time.after(this.fate(from, to).ms, () => {
        const side = this.#sides.get(to)
        if (link.epoch !== epoch || side === undefined) return
        time.go(
          answered(side, from, op, asked).then(answer => {
            const isThere = (): boolean => link.epoch === epoch && this.#calls.has(call)
            if (!isThere()) return
            const size = answer instanceof OapError ? Buffer.from(answer.code) : answer
            this.#count({ from: to, to: from, op, is: 'answer', request, payload: size })
            time.after(this.fate(to, from).ms, () => {
              if (!isThere()) return
              this.#o.trace(`${op} ${from} ${to} ${answer instanceof OapError ? answer.code : answer.length}`)
              if (answer instanceof OapError) return fail(answer)
              try {
                const value: unknown = rows[op].answer.decode(answer)
                end(() => resolve(value))
              } catch (error) {
                if (!(error instanceof OapError)) throw error
                fail(error)
              }
            })
          })
        )
      })
    })
  }

  #count(carried: Carried): void {
    const count = this.counts[carried.op]
    if (carried.is === 'request') count.calls++
    count.bytes += carried.payload.length
    this.#o.carried(carried)
  }
}

const none = (): Record<Op, Count> => ({
  share_state: { calls: 0, bytes: 0 },
  share_pull: { calls: 0, bytes: 0 },
  equivocation: { calls: 0, bytes: 0 }
})

const rows = federationService.operations

function encodedRequest(op: Op, request: object): Uint8Array {
  const { head, body } = rows[op].request.encode(op, request as never, {})
  return Buffer.concat([head, body])
}

/** What a hub answers, in bytes, or refuses. */
async function answered(side: Side, from: number, op: Op, asked: Uint8Array): Promise<Uint8Array | OapError> {
  try {
    const { header, body } = decodePayload(asked)
    const request: object = rows[op].request.decode(header, body)
    const { head, body: rest } = rows[op].answer.encode((await side.answer(from, op, request)) as never)
    return Buffer.concat([head, rest])
  } catch (error) {
    if (error instanceof OapError) return error
    throw error
  }
}

const otherOf = ({ pair: [a, b] }: Link, n: number): number => (a === n ? b : a)
