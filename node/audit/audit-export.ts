import { readFile } from 'node:fs/promises'
import { HASH_BYTES, MAX_PROOF_HASHES, canonicalJson, isTextOf } from '../../federation/index.ts'
import type { AuditLog } from './audit-log.ts'
import { logPaths } from './log-folder.ts'

/** Put behind the name of an exported file, it names the file with its proof. */
export const PROOF_SUFFIX = '.proof'
const MAX_PROOF_BYTES = 65_536
const MEMBERS = ['checkpoint', 'delegation', 'from', 'hashes', 'to', 'v']

/** What shows offline that exported lines are the entries `from` to before `to` of a log. */
export interface ExportProof {
  readonly from: number
  readonly to: number
  /** A signed note over at least `to` entries. */
  readonly checkpoint: string
  /** The text of the log's `delegation.json`; empty when there is none. */
  readonly delegation: string
  readonly hashes: readonly Uint8Array[]
}

/**
 * The proof for the entries `from` to before `to`, by default all that the newest checkpoint covers: the text to lay
 * beside the exported lines, as `FILE.proof`.
 * @throws OapError `not_found` for entries that the newest checkpoint does not cover.
 */
export async function exportProof(log: AuditLog, folder: string, from: number, to?: number): Promise<string> {
  const checkpoint = await log.checkpoint()
  const size = Number(checkpoint.split('\n')[1])
  const end = to ?? size
  const { hashes } = await log.range(from, end, size)
  const delegation = await readFile(logPaths(folder).delegation, 'utf8').catch(() => '')
  return formatExportProof({ from, to: end, checkpoint, delegation, hashes })
}

export function formatExportProof({ hashes, ...proof }: ExportProof): string {
  const hex = hashes.map(hash => Buffer.from(hash).toString('hex'))
  return `${canonicalJson({ ...proof, hashes: hex, v: 1 })}\n`
}

/** @throws SyntaxError for any other text than `formatExportProof` writes. */
export function parseExportProof(text: string): ExportProof {
  if (text.length > MAX_PROOF_BYTES) throw new SyntaxError(`longer than ${MAX_PROOF_BYTES} characters`)
  const value = JSON.parse(text) as Record<string, unknown> | null
  if (typeof value !== 'object' || value === null || Object.keys(value).sort().join() !== MEMBERS.join())
    throw new SyntaxError(`expected an object of ${MEMBERS.join(', ')}`)
  const { from, to, checkpoint, delegation, hashes } = value
  if (!Array.isArray(hashes) || hashes.length > 2 * MAX_PROOF_HASHES)
    throw new SyntaxError('hashes: not a list')
  if (typeof from !== 'number' || typeof to !== 'number') throw new SyntaxError('from, to: not numbers')
  if (typeof checkpoint !== 'string' || typeof delegation !== 'string')
    throw new SyntaxError('checkpoint, delegation: not text')
  const proof = {
    from,
    to,
    checkpoint,
    delegation,
    hashes: hashes.map((hash: unknown) => Buffer.from(typeof hash === 'string' ? hash : '', 'hex'))
  }
  if (proof.hashes.some(({ length }) => length !== HASH_BYTES))
    throw new SyntaxError('hashes: not of 32 bytes')
  if (!isTextOf(text, () => formatExportProof(proof))) throw new SyntaxError('not canonical JSON')
  return proof
}
