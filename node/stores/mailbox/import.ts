import type { Level } from '../level.ts'
import type { Operation } from './batch.ts'
import type { ExportedKey, ExportedMessage, TransferOptions } from './export.ts'
import { encodeKnown } from './idem-row.ts'
import { generationOf } from './idem-generations.ts'
import { CHECKPOINT_KEY } from './journal.ts'
import { idemKey, messageKey, timerKey, topicName } from './keys.ts'
import { countAnew, settleFormat } from './opening.ts'
import { checkHistory, checkMessage, encodeRecord } from './record.ts'
import { sealed } from './seal.ts'
import { STATES } from './types.ts'
import type { Place, State } from './types.ts'

const NOTHING = new Uint8Array()
const ROWS_A_WRITE = 500
const BYTES_A_WRITE = 4 * 1024 * 1024
const DURABLE: object = { sync: true }

export interface Imported {
  readonly messages: number
  readonly idemKeys: number
  /** Messages that were there already, in whatever state; they stay as they are. */
  readonly present: number
}

export interface ImportOptions extends TransferOptions {
  readonly nowMs: number
  readonly idemWindowMs: number
  /** A batch that is known to have been durable. */
  readonly lastDurable?: number | undefined
}

/**
 * Puts what `lines` hands on into a mailbox that nobody has open, with its ids, places, attempts and times, and counts
 * everything anew; yields once it would survive a power cut. May be run again after it was cut short: nothing comes twice.
 * @throws RangeError for a message that no mailbox could hold
 */
export async function importMailbox(
  level: Level,
  lines: (take: (line: ExportedMessage | ExportedKey) => Promise<void>) => Promise<unknown>,
  options: ImportOptions
): Promise<Imported> {
  await settleFormat(level)
  const writing = new Importing(level, options)
  await lines(line => writing.take(line))
  await writing.flush()
  await countAnew(level, {
    now: () => options.nowMs,
    lastDurable: options.lastDurable ?? 0,
    onCorrupt: () => undefined
  })
  return writing.imported
}

class Importing {
  readonly #level: Level
  readonly #options: ImportOptions
  #rows: Operation[] = []
  #bytes = 0
  #imported: Imported = { messages: 0, idemKeys: 0, present: 0 }

  constructor(level: Level, options: ImportOptions) {
    this.#level = level
    this.#options = options
  }

  get imported(): Imported {
    return this.#imported
  }

  async take(line: ExportedMessage | ExportedKey): Promise<void> {
    this.#options.signal?.throwIfAborted()
    if ('state' in line) await this.#message(line)
    else this.#key(line)
    if (this.#rows.length >= ROWS_A_WRITE || this.#bytes >= BYTES_A_WRITE) await this.flush()
  }

  async flush(): Promise<void> {
    const rows = this.#rows
    this.#rows = []
    this.#bytes = 0
    // Without a checkpoint the next opening counts anew, should this one be cut short.
    await this.#level.batch([{ type: 'del', key: CHECKPOINT_KEY }, ...rows], DURABLE)
  }

  async #message(line: ExportedMessage): Promise<void> {
    const { tenant, topic, priority, id, attempts, state } = line
    const place: Place = { tenant, topic, priority, id }
    const name = topicName(place)
    const [meta, history, body] = [line.meta, line.history, line.body].map(bytes)
    const times = { notBeforeMs: line.not_before, expiresAtMs: line.expires_at }
    checkMessage({ ...place, ...times, meta: meta!, body: body! })
    checkHistory(history!, attempts)
    const keys = STATES.map(each => messageKey(each, name, priority, id))
    if ((await this.#level.getMany(keys)).some(value => value !== undefined)) {
      this.#count({ present: 1 })
      return
    }
    const key = messageKey(state, name, priority, id)
    const death = line.died_at === undefined ? undefined : { atMs: line.died_at, reason: line.reason ?? '' }
    const record = {
      batch: 0,
      priority,
      attempts,
      history: history!,
      meta: meta!,
      body: body!,
      ...times,
      death
    }
    this.#put(key, encodeRecord(key, record))
    for (const timer of timersOf(state, place, name, times)) this.#put(timer, sealed(timer, NOTHING))
    this.#count({ messages: 1 })
    if (this.#imported.messages % 1000 === 0) this.#options.progress?.(this.#imported.messages)
  }

  #key({ tenant, topic, idem_key: given, id, hash, until }: ExportedKey): void {
    const { idemWindowMs, nowMs } = this.#options
    const name = topicName({ tenant, topic })
    checkMessage({
      tenant,
      topic,
      priority: 0,
      meta: NOTHING,
      body: NOTHING,
      idem: { key: given, hash: bytes(hash) }
    })
    if (until <= nowMs) return
    // Where a key is looked for: in the window of now or the one before.
    const generation = Math.min(generationOf(until, idemWindowMs), generationOf(nowMs, idemWindowMs))
    const key = idemKey(generation, name, given)
    this.#put(key, encodeKnown(key, { id, hash: bytes(hash), untilMs: until }))
    this.#count({ idemKeys: 1 })
  }

  #put(key: string, value: Uint8Array): void {
    this.#rows.push({ type: 'put', key, value })
    this.#bytes += key.length + value.length
  }

  #count({ messages = 0, idemKeys = 0, present = 0 }: Partial<Imported>): void {
    const sum = this.#imported
    this.#imported = {
      messages: sum.messages + messages,
      idemKeys: sum.idemKeys + idemKeys,
      present: sum.present + present
    }
  }
}

function timersOf(
  state: State,
  place: Place,
  name: string,
  {
    notBeforeMs,
    expiresAtMs
  }: { readonly notBeforeMs: number | undefined; readonly expiresAtMs: number | undefined }
): string[] {
  const at = state === 'dead' ? { ...place, priority: 0 } : place
  return [
    ...(state === 'delayed' ? [timerKey(notBeforeMs ?? 0, 'not_before', state, at, name)] : []),
    ...(expiresAtMs === undefined ? [] : [timerKey(expiresAtMs, 'expires', state, at, name)])
  ]
}

const bytes = (base64: string): Buffer => Buffer.from(base64, 'base64')
