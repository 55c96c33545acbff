import { createHash } from 'node:crypto'
import { OapError, dagVerifier, isProviderFault } from '../../protocols/index.ts'
import type { Cid, DagVerifier, VerifiedBlock } from '../../protocols/index.ts'
import type { Clock } from '../clock.ts'
import type { Answer, BlobProvider } from './blob-provider.ts'
import type { EndCode } from './ends.ts'

export interface AnswerEnd {
  readonly code: EndCode
  readonly detail?: string
  readonly waitMs?: number
}

export interface Asking {
  readonly cid: Cid
  readonly from: number
  /** Infinity for the end of the blob; what lies behind it is not read once it is cut. */
  to: number
  readonly abort: AbortController
}

/** Where proved blocks go. What these throw ends the fetch, not the provider. */
export interface Proofs {
  /** The root is proved: the length of the blob. Comes before `proved`. */
  total(bytes: number): void
  /** The next bytes are asked for when this resolves. */
  proved(block: VerifiedBlock): Promise<void>
}

/** How long the end of an answer may take after its last byte. */
const END_MS = 250

/**
 * Asks one provider, passes on what is proved, block by block, and yields why it ended. Throws what is wrong with the
 * content itself, and what `proofs` throw.
 */
export async function readAnswer(
  provider: BlobProvider,
  asking: Asking,
  proofs: Proofs,
  clock: Clock
): Promise<AnswerEnd> {
  const { cid, from, to, abort } = asking
  const length = to === Infinity ? undefined : to - from
  const question = { cid, offset: from, ...(length !== undefined && { length }) }
  let answer: Answer
  try {
    answer = await provider.get(question, { signal: abort.signal })
  } catch (error) {
    return endOf(error, 'unreachable')
  }
  const verifier = dagVerifier({ ...question, sha256: () => createHash('sha256') })
  const body = answer.body[Symbol.asyncIterator]()
  try {
    while (!verifier.isDone && verifier.offset < asking.to) {
      const next = await pull(body)
      if ('code' in next) return next
      const end = await take(next.bytes, verifier, answer.totalLength, proofs)
      if (end !== undefined) return end
    }
    return verifier.isDone ? await endOfBody(body, verifier, abort, clock) : { code: 'done' }
  } finally {
    // It gives up what is left of the answer; whoever is late with that keeps nobody waiting.
    void Promise.resolve(body.return?.()).catch(() => undefined)
  }
}

async function pull(
  body: AsyncIterator<Uint8Array>
): Promise<AnswerEnd | { readonly bytes: Uint8Array | undefined }> {
  try {
    const { done, value } = await body.next()
    return { bytes: done === true ? undefined : (value as Uint8Array) }
  } catch (error) {
    return endOf(error, 'dropped')
  }
}

/** Undefined while the answer goes on. */
async function take(
  bytes: Uint8Array | undefined,
  verifier: DagVerifier,
  claimed: number,
  proofs: Proofs
): Promise<AnswerEnd | undefined> {
  const wasKnown = verifier.totalLength !== undefined
  let blocks: readonly VerifiedBlock[] = []
  let end: AnswerEnd | undefined
  try {
    if (bytes === undefined) verifier.end()
    else blocks = verifier.push(bytes)
  } catch (error) {
    if (!isProviderFault(error)) throw error
    blocks = verifier.takeProved()
    end = endOf(error, 'dropped')
  }
  const { totalLength } = verifier
  if (!wasKnown && totalLength !== undefined) {
    proofs.total(totalLength)
    if (totalLength !== claimed)
      end ??= { code: 'bad_head', detail: `it said ${claimed} bytes, the root says ${totalLength}` }
  }
  for (const block of blocks) await proofs.proved(block)
  return end
}

/** An answer that goes on behind its last byte is a lie; one that only does not end is none. */
async function endOfBody(
  body: AsyncIterator<Uint8Array>,
  verifier: DagVerifier,
  abort: AbortController,
  clock: Clock
): Promise<AnswerEnd> {
  const cancel = clock.after(END_MS, () => abort.abort())
  const next = await pull(body)
  cancel()
  if ('code' in next || next.bytes === undefined) return { code: 'done' }
  try {
    verifier.push(next.bytes)
    return { code: 'done' }
  } catch (error) {
    return endOf(error, 'dropped')
  }
}

function endOf(error: unknown, otherwise: 'unreachable' | 'dropped'): AnswerEnd {
  if (!(error instanceof OapError)) return { code: otherwise, detail: messageOf(error) }
  const { code, message, reason, retryable, retryAfterMs } = error
  if (reason === 'session_lost') return { code: otherwise, detail: message }
  if (isProviderFault(error)) return { code: code as EndCode, detail: message }
  if (code === 'not_found') return { code }
  if (!retryable) return { code: 'denied', detail: code }
  return { code: 'refused', detail: code, ...(retryAfterMs !== undefined && { waitMs: retryAfterMs }) }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
