import { type Handlers, type Service, auditService } from '../../protocols/index.ts'
import type { AuditLog } from './audit-log.ts'

const LF = Buffer.from('\n')

type AuditOperations = (typeof auditService)['operations']

/** What the service reads. */
export type ReadableAuditLog = Pick<
  AuditLog,
  'size' | 'first' | 'lines' | 'checkRange' | 'checkpoint' | 'inclusion' | 'consistency'
>

/** The audit service over a log. Ranges end at what is durable; a range that begins in pruned entries is not found. */
export function auditOver(log: ReadableAuditLog): Service<AuditOperations> {
  const handlers: Handlers<AuditOperations> = {
    entries: ({ from, to = log.size }) => {
      const size = log.size
      const end = Math.min(to, size)
      log.checkRange(from, end)
      return { head: { from, to: end, size }, body: fileOf(log.lines(from, end)) }
    },

    checkpoint: async () => Buffer.from(await log.checkpoint()),

    inclusion: async ({ seq, size }) => {
      const proof = await log.inclusion(seq, size)
      return { seq, size: proof.size, body: Buffer.concat(proof.hashes) }
    },

    consistency: async ({ from, to }) => {
      const proof = await log.consistency(from, to)
      return { from, to: proof.size, body: Buffer.concat(proof.hashes) }
    }
  }
  return { table: auditService, handlers }
}

async function* fileOf(pieces: AsyncIterable<readonly Buffer[]>): AsyncGenerator<Uint8Array> {
  for await (const lines of pieces) yield Buffer.concat(lines.flatMap(line => [line, LF]))
}
