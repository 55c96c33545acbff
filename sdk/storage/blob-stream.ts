import { cidText, dagVerifier } from '../../protocols/index.ts'
import type { Cid, DagVerifier, Sha256 } from '../../protocols/index.ts'
import { BusyError, LinkError, RequestError, typedError } from '../errors.ts'

/** Bytes of a blob, from `offset` on. */
export interface ByteSpan {
  readonly offset?: number | undefined
  /** To the end when absent. */
  readonly length?: number | undefined
}

/** An answer of `get` that has begun. */
export interface OpenBlob {
  readonly head: {
    readonly offset: number
    readonly length: number
    readonly total_len: number
    readonly content_type?: string | undefined
  }
  /** In the form that can be proved. */
  readonly body: AsyncIterable<Uint8Array>
  readonly corrId: bigint | undefined
}

export interface BlobStreamParts {
  readonly cid: Cid
  readonly first: OpenBlob
  readonly range: ByteSpan
  readonly open: (span: ByteSpan) => Promise<OpenBlob>
  readonly sha256: () => Sha256
  /** How often in a row it may be opened again before another byte came. */
  readonly retries: number
}

const MOST_BYTES = 64 * 1024 * 1024

/** Bytes of a blob, proved as they come; to be read once. Leaving the loop early ends the call. */
export class BlobStream implements AsyncIterable<Uint8Array> {
  readonly cid: string
  /** The first byte that comes. */
  readonly offset: number
  /** How many come, as the node says; fewer or more end with an error. */
  readonly length: number
  /** Of the whole blob. */
  readonly totalLength: number
  /** As whoever stored it said: nobody proved it. */
  readonly contentType: string | undefined
  readonly #parts: BlobStreamParts
  #isRead = false

  constructor(parts: BlobStreamParts) {
    const { cid, first } = parts
    this.cid = cidText(cid)
    this.offset = first.head.offset
    this.length = first.head.length
    this.totalLength = first.head.total_len
    this.contentType = first.head.content_type
    this.#parts = parts
  }

  [Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void> {
    if (this.#isRead) throw new TypeError('a blob is read once; get it again')
    this.#isRead = true
    return this.#pieces()
  }

  /** All of it at once. Throws RequestError `body_oversize` for more than `maxBytes`, 64 MiB by default. */
  async bytes({ maxBytes = MOST_BYTES }: { readonly maxBytes?: number } = {}): Promise<Uint8Array> {
    if (this.length > maxBytes) {
      await this.#parts.first.body[Symbol.asyncIterator]().return?.()
      throw new RequestError('body_oversize', `${this.length} bytes come, at most ${maxBytes} were expected`)
    }
    const bytes = new Uint8Array(this.length)
    let at = 0
    for await (const piece of this) {
      bytes.set(piece, at)
      at += piece.length
    }
    return bytes
  }

  /** The same as UTF-8. Throws TypeError for what is none. */
  async text(options?: { readonly maxBytes?: number }): Promise<string> {
    return new TextDecoder('utf-8', { fatal: true }).decode(await this.bytes(options))
  }

  async *#pieces(): AsyncGenerator<Uint8Array, void> {
    const { cid, first, range, open, sha256, retries } = this.#parts
    let opened: OpenBlob | undefined = first
    let verifier = dagVerifier({ cid, ...range, sha256 })
    let failures = 0
    for (;;) {
      try {
        opened ??= await open(restOf(range, verifier))
        for await (const chunk of opened.body) {
          const blocks = proved(verifier, chunk, opened.head.total_len)
          if (opened === first) checkHead(first.head, range, verifier.totalLength)
          for (const { plain } of blocks) {
            for (const piece of plain) {
              failures = 0
              yield piece
            }
          }
        }
        return verifier.end()
      } catch (error) {
        const typed = typedError(error, opened?.corrId)
        if (!isLost(typed) || failures++ >= retries) throw typed
        if (verifier.isDone) return
        const rest = restOf(range, verifier)
        verifier = dagVerifier({ cid, ...rest, sha256 })
        opened = undefined
      }
    }
  }
}

/** What of a range is not proved yet. */
function restOf({ offset = 0, length }: ByteSpan, verifier: DagVerifier): ByteSpan {
  return length === undefined
    ? { offset: verifier.offset }
    : { offset: verifier.offset, length: offset + length - verifier.offset }
}

function proved(verifier: DagVerifier, chunk: Uint8Array, claimed: number) {
  const blocks = verifier.push(chunk)
  const { totalLength } = verifier
  if (totalLength !== undefined && totalLength !== claimed)
    throw badHead(`the node said ${claimed} bytes, the blob has ${totalLength}`)
  return blocks
}

/** Nothing proves the head but what the root says: what it promises of the range must follow from that. */
function checkHead(
  head: OpenBlob['head'],
  { offset = 0, length = Infinity }: ByteSpan,
  total?: number
): void {
  if (total === undefined) return
  const most = Math.min(length, total - offset)
  if (head.offset !== offset || head.length !== most)
    throw badHead(
      `the node said ${head.length} bytes from ${head.offset} on, there are ${most} from ${offset} on`
    )
}

const badHead = (what: string): LinkError => new LinkError('upstream', what, { code: 'bad_head' })

/** The way to the answer broke, and nothing says that the node is wrong; or it asks to come again. */
const isLost = (error: unknown): boolean =>
  (error instanceof LinkError && error.reason === 'session_lost') || error instanceof BusyError
