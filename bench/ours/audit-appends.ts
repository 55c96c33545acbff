import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { AuditLog, auditEvent, createLogFolder } from 'omnigate'
import type { Turn } from '../baselines/append-sync.ts'
import { quantile } from '../harness/statistics.ts'

const HUB_ID = 'h15jfgyy7ctrjavpxvkb5rglwf7gkuo5vox27hxescd3vgsfcg2iwa'
const CHECKPOINT_EVERY_MS = 1000
const GROWN_AT_ONCE = 4096
const PROOFS = 1000
const DIGEST = 'ab'.repeat(32)

const minted = (n: number) =>
  auditEvent('mint', 'local', {
    cap_id: n.toString(16).padStart(32, '0'),
    kid: 1,
    tenant: '0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d',
    expires_s: 1_767_226_500,
    bearer: false,
    caveats: 3,
    caveats_sha256: DIGEST
  })

/** A new log in the folder. */
export async function newLog(folder: string): Promise<AuditLog> {
  const path = join(folder, 'log')
  await createLogFolder(path, { hubId: HUB_ID, nodeName: 'bench', nowMs: Date.now() })
  return AuditLog.open(path)
}

/** Appends with so many in flight, and a checkpoint in each second of its own time. */
export class Appender {
  readonly #log: AuditLog
  readonly #inFlight: number
  #sinceCheckpointMs = CHECKPOINT_EVERY_MS

  constructor(log: AuditLog, inFlight: number) {
    this.#log = log
    this.#inFlight = inFlight
  }

  /** Durable entries in about `forMs`, a checkpoint that fell due with them. */
  async turn(forMs: number): Promise<Turn> {
    const before = this.#log.size
    const started = performance.now()
    const signed = this.#sinceCheckpointMs >= CHECKPOINT_EVERY_MS ? this.#log.checkpoint() : undefined
    if (signed !== undefined) this.#sinceCheckpointMs = 0
    const append = async (): Promise<void> => {
      while (performance.now() - started < forMs) await this.#log.append(minted(this.#log.size))
    }
    await Promise.all(Array.from({ length: this.#inFlight }, append))
    await signed
    const ms = performance.now() - started
    this.#sinceCheckpointMs += ms
    return { lines: this.#log.size - before, ms }
  }
}

/** Bytes of a line with its line feed. */
export async function lineBytes(log: AuditLog): Promise<number> {
  const seq = await log.append(minted(1))
  for await (const lines of log.lines(seq)) return lines[0]!.length + 1
  throw new Error('the log gave no line')
}

/** Milliseconds that inclusion proofs take at so many entries, each of a random entry. */
export async function proofTimes(
  log: AuditLog,
  entries: number
): Promise<Readonly<Record<'p50' | 'p99', number>>> {
  while (log.size < entries) {
    const count = Math.min(GROWN_AT_ONCE, entries - log.size)
    await Promise.all(Array.from({ length: count }, (_, n) => log.append(minted(n))))
  }
  await log.checkpoint()
  const times: number[] = []
  for (let n = 0; n < PROOFS; n++) {
    const seq = Math.floor(Math.random() * log.size)
    const started = performance.now()
    const { hashes } = await log.inclusion(seq)
    times.push(performance.now() - started)
    if (hashes.length === 0 && log.size > 1) throw new Error(`entry ${seq}: an empty proof`)
  }
  return { p50: quantile(times, 0.5), p99: quantile(times, 0.99) }
}
