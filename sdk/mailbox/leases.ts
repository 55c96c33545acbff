import { OapError, isErrorCode } from '../../protocols/index.ts'
import type { CallOptions, Client, ErrorCode, mailboxService } from '../../protocols/index.ts'
import type { Calls, HubCallOptions } from '../calls.ts'
import { typedError } from '../errors.ts'
import type { LeasedItem, NackOptions } from './delivery.ts'
import { defined } from './message.ts'

/** One call takes so many; the rest goes with the next. */
const MOST_ITEMS = 256

type Rows = Client<(typeof mailboxService)['operations']>
type Results = Awaited<ReturnType<Rows['ack']>>

interface Waiting {
  readonly item: LeasedItem
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Says what became of deliveries. A lease is good for one answer, so that what is said twice does no harm. */
export class Leases {
  readonly #rows: Rows
  readonly #calls: Calls
  /** Acknowledgements of this turn, by topic. */
  readonly #waiting = new Map<string, Waiting[]>()

  constructor(rows: Rows, calls: Calls) {
    this.#rows = rows
    this.#calls = calls
  }

  ack(item: LeasedItem, options: HubCallOptions): Promise<void> {
    if (Object.keys(options).length > 0)
      return this.#one(options, 'already_acked', call => this.#rows.ack(one(item), call)).then(
        () => undefined
      )
    return new Promise((resolve, reject) => {
      const { topic } = item
      const waiting = this.#waiting.get(topic)
      if (waiting !== undefined) return void waiting.push({ item, resolve, reject })
      this.#waiting.set(topic, [{ item, resolve, reject }])
      queueMicrotask(() => this.#ackAll(topic))
    })
  }

  async nack(item: LeasedItem, { delayMs, reason, ...options }: NackOptions): Promise<void> {
    const request = { ...one(item), ...defined({ delay_ms: delayMs, reason }) }
    await this.#one(options, 'lease_expired', call => this.#rows.nack(request, call))
  }

  /** Resolves with the new deadline. */
  async extend(
    item: LeasedItem,
    visibilityMs: number | undefined,
    options: HubCallOptions
  ): Promise<number | undefined> {
    const request = { ...one(item), ...defined({ visibility_ms: visibilityMs }) }
    return (await this.#one(options, undefined, call => this.#rows.extend(request, call)))?.deadline
  }

  /** `doneBefore` is what an answer that is made again hears when it was heard the first time. */
  async #one(
    options: HubCallOptions,
    doneBefore: string | undefined,
    make: (call: CallOptions) => Promise<Results>
  ) {
    const corr = noting(options)
    const { results } = await this.#calls.unary(corr.options, true, make)
    const [result] = results
    throwUnlessDone(result, corr.noted, doneBefore)
    return result
  }

  #ackAll(topic: string): void {
    const waiting = this.#waiting.get(topic) ?? []
    this.#waiting.delete(topic)
    for (let at = 0; at < waiting.length; at += MOST_ITEMS)
      void this.#ackSome(topic, waiting.slice(at, at + MOST_ITEMS))
  }

  async #ackSome(topic: string, some: readonly Waiting[]): Promise<void> {
    const items = some.map(({ item: { msg_id, lease } }) => ({ msg_id, lease }))
    const corr = noting({})
    try {
      const { results } = await this.#calls.unary(corr.options, true, call =>
        this.#rows.ack({ topic, items }, call)
      )
      for (const [n, { resolve, reject }] of some.entries()) {
        try {
          throwUnlessDone(results[n], corr.noted, 'already_acked')
          resolve()
        } catch (error) {
          reject(error)
        }
      }
    } catch (error) {
      for (const { reject } of some) reject(error)
    }
  }
}

const one = ({ topic, msg_id, lease }: LeasedItem) => ({ topic, items: [{ msg_id, lease }] })

const CONFLICT_STATUS = 409

function throwUnlessDone(
  result: Results['results'][number] | undefined,
  { made, corrId }: Noted,
  doneBefore: string | undefined
): void {
  const isDoneBefore = made > 1 && doneBefore !== undefined && result?.code === doneBefore
  if (result?.status === 0 || isDoneBefore) return
  if (result === undefined)
    throw typedError(new OapError('upstream', 'the node said nothing of this message'), corrId)
  const { status, code = '' } = result
  const counted: ErrorCode = isErrorCode(code) ? code : status === CONFLICT_STATUS ? 'conflict' : 'internal'
  const message = `message ${result.msg_id}: ${code}`
  throw typedError(new OapError(counted, message, { status, code, retryable: false }), corrId)
}

/** Which call it was, and how often it was made. */
interface Noted {
  corrId: bigint | undefined
  made: number
}

function noting(options: HubCallOptions) {
  const noted: Noted = { corrId: undefined, made: 0 }
  const onOpen = (id: bigint): void => {
    noted.corrId = id
    noted.made++
    options.onOpen?.(id)
  }
  return { options: { ...options, onOpen }, noted }
}
