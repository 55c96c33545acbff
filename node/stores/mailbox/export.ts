import { createHash } from 'node:crypto'
import type { Hash } from 'node:crypto'
import type { Level } from '../level.ts'
import { readAttempts } from './attempt-log.ts'
import { decodeKnown } from './idem-row.ts'
import { DIGITS, KIND, NUL, PREFIX, allOf } from './keys.ts'
import { Rows, TopicSums } from './topic-sums.ts'
import type { MessageRow } from './topic-sums.ts'

export const EXPORT_FORMAT = 1
const CHUNK_BYTES = 256 * 1024

/** One line of an export, as JSON. Bytes are in base64, times in unix milliseconds. */
export type ExportLine =
  | { readonly omnigate_mailbox: number }
  | ExportedMessage
  | ExportedKey
  | {
      readonly end: true
      readonly messages: number
      readonly idem_keys: number
      /** Of all lines before this one, in hex. */
      readonly sha256: string
    }

export interface ExportedMessage {
  readonly state: 'ready' | 'delayed' | 'dead'
  readonly tenant: string
  readonly topic: string
  readonly priority: number
  readonly id: string
  readonly attempts: number
  readonly not_before?: number
  readonly expires_at?: number
  readonly died_at?: number
  readonly reason?: string
  readonly meta: string
  readonly history: string
  readonly body: string
}

export interface ExportedKey {
  readonly idem_key: string
  readonly tenant: string
  readonly topic: string
  readonly id: string
  readonly hash: string
  readonly until: number
}

export interface Exported {
  readonly messages: number
  readonly idemKeys: number
  /** Rows that cannot be read; `fsckMailbox` names them. */
  readonly damaged: number
}

export interface TransferOptions {
  readonly signal?: AbortSignal | undefined
  /** Hears how many messages went so far. */
  readonly progress?: ((messages: number) => void) | undefined
}

/**
 * Writes all messages of a mailbox that nobody has open, topic by topic, and the idempotency keys: a line of JSON each, the
 * last with their number and sum. What cannot be read is left out and counted. Memory does not grow with what is stored.
 */
export async function exportMailbox(
  level: Level,
  write: (bytes: Uint8Array) => Promise<void>,
  { signal, progress }: TransferOptions = {}
): Promise<Exported> {
  const lines = new Lines(write)
  const exported = { messages: 0, idemKeys: 0, damaged: 0 }
  await lines.add({ omnigate_mailbox: EXPORT_FORMAT })
  const attempts = await readAttempts(level)
  const sums = new TopicSums(level, {
    message: async row => {
      await lines.add(messageLine(row, attempts.get(row.key) ?? row.record.attempts))
      exported.messages++
      if (exported.messages % 1000 === 0) progress?.(exported.messages)
      signal?.throwIfAborted()
    },
    corrupt: () => void exported.damaged++
  })
  try {
    while ((await sums.next()) !== undefined);
  } finally {
    await sums.close()
  }
  await exportKeys(level, lines, exported)
  await lines.end(exported)
  return exported
}

async function exportKeys(
  level: Level,
  lines: Lines,
  exported: { idemKeys: number; damaged: number }
): Promise<void> {
  const rows = new Rows(level, allOf(KIND.idem))
  try {
    for (let next = await rows.peek(); next !== undefined; next = await rows.peek()) {
      rows.take()
      const [key, bytes] = next
      const known = decodeKnown(key, bytes)
      const [tenant, topic, ...rest] = key.slice(PREFIX.length + 1 + DIGITS).split(NUL)
      if (typeof known === 'string' || tenant === undefined || topic === undefined) {
        exported.damaged++
        continue
      }
      const { id, hash, untilMs } = known
      const idemKey = rest.join(NUL)
      await lines.add({ idem_key: idemKey, tenant, topic, id, hash: base64(hash), until: untilMs })
      exported.idemKeys++
    }
  } finally {
    await rows.close()
  }
}

function messageLine({ state, place, record }: MessageRow, attempts: number): ExportedMessage {
  const { tenant, topic, id } = place
  const { priority, notBeforeMs, expiresAtMs, death, meta, history, body } = record
  return {
    state,
    tenant,
    topic,
    priority,
    id,
    attempts,
    ...(notBeforeMs !== undefined && { not_before: notBeforeMs }),
    ...(expiresAtMs !== undefined && { expires_at: expiresAtMs }),
    ...(death !== undefined && { died_at: death.atMs, reason: death.reason }),
    meta: base64(meta),
    history: base64(history),
    body: base64(body)
  }
}

const base64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')

/** Lines in writes of some size, and the sum over them. */
class Lines {
  readonly #write: (bytes: Uint8Array) => Promise<void>
  readonly #sum: Hash = createHash('sha256')
  #waiting: string[] = []
  #characters = 0

  constructor(write: (bytes: Uint8Array) => Promise<void>) {
    this.#write = write
  }

  async add(line: ExportLine): Promise<void> {
    const text = `${JSON.stringify(line)}\n`
    this.#sum.update(text)
    this.#waiting.push(text)
    this.#characters += text.length
    if (this.#characters >= CHUNK_BYTES) await this.#flush()
  }

  async end({ messages, idemKeys }: Exported): Promise<void> {
    const sha256 = this.#sum.digest('hex')
    const last: ExportLine = { end: true, messages, idem_keys: idemKeys, sha256 }
    this.#waiting.push(`${JSON.stringify(last)}\n`)
    await this.#flush()
  }

  async #flush(): Promise<void> {
    const bytes = Buffer.from(this.#waiting.join(''))
    this.#waiting = []
    this.#characters = 0
    await this.#write(bytes)
  }
}
