import { DEFAULT_PROFILE, parseCid, storageService } from '../../protocols/index.ts'
import type { CallOptions, Client, ProfileName, Sha256, StorageClass } from '../../protocols/index.ts'
import { bodyOnce } from '../body-once.ts'
import type { Calls, HubCallOptions } from '../calls.ts'
import { typedError } from '../errors.ts'
import { bodyBytes, defined } from '../mailbox/message.ts'
import { methodsOf } from '../wire.ts'
import type { Wire } from '../wire.ts'
import { BlobStream } from './blob-stream.ts'
import type { ByteSpan, OpenBlob } from './blob-stream.ts'

type Rows = Client<(typeof storageService)['operations']>

/** What is stored: bytes, a text, or pieces that are read as fast as the node takes them. */
export type BlobSource = Uint8Array | string | AsyncIterable<Uint8Array> | Iterable<Uint8Array>

export interface PutOptions extends Omit<HubCallOptions, 'compress' | 'e2e' | 'isIdempotent'> {
  /** Who may read it: its tenant, linked hubs by their treaty, or everybody. Default `private`. */
  readonly class?: StorageClass | undefined
  readonly contentType?: string | undefined
  /** The content id that the bytes must have; others are refused as `bad_digest`, and nothing is kept. */
  readonly cid?: string | undefined
  /** How it is cut, and so which content id it has. Default `omnigate-v1`. */
  readonly profile?: ProfileName | undefined
  /** Not deleted before it is unpinned. */
  readonly pin?: boolean | undefined
  /** Seconds after which the node may take it away, unless it is pinned. */
  readonly ttlS?: number | undefined
}

export interface GetOptions extends Omit<HubCallOptions, 'compress' | 'e2e' | 'isIdempotent'> {
  /** These bytes alone; without `length`, or beyond the end, to the end. */
  readonly range?: ByteSpan | undefined
}

/** A blob that the node keeps. */
export interface StoredBlob {
  readonly cid: string
  /** Bytes. */
  readonly length: number
}

/** Blobs by the hash of their content. @see specs/storage.md */
export class HubStorage {
  readonly #rows: Rows
  readonly #calls: Calls
  readonly #sha256: () => Sha256

  constructor(wire: Wire, calls: Calls, sha256: () => Sha256) {
    this.#rows = methodsOf(storageService, wire)
    this.#calls = calls
    this.#sha256 = sha256
  }

  /**
   * Stores a blob; resolves with its content id once it would survive a power cut. Bytes and texts are sent again where the
   * answer was lost, pieces are not. A deadline, none by default, covers all of it. Throws `bad_digest`, `storage_full`.
   */
  async put(source: BlobSource, options: PutOptions = {}): Promise<StoredBlob> {
    const { class: blobClass, contentType, cid, profile = DEFAULT_PROFILE, pin, ttlS, ...calling } = options
    const whole = source instanceof Uint8Array || typeof source === 'string' ? bodyBytes(source) : undefined
    const request = defined({
      class: blobClass,
      content_type: contentType,
      cid,
      profile,
      pin: pin === true ? true : undefined,
      ttl_s: ttlS
    })
    const { body, isSpent } = bodyOnce(whole === undefined ? (source as AsyncIterable<Uint8Array>) : [whole])
    const timed = { ...calling, isSpent, deadlineMs: options.deadlineMs ?? NO_DEADLINE_MS }
    const { cid: stored, len } = await this.#calls.unary(timed, whole !== undefined, call =>
      this.#rows.put(request, { ...call, body })
    )
    return { cid: stored, length: len }
  }

  /**
   * The bytes of a blob as they come, each piece proved here before it is handed over: no node can pass off others. When
   * the connection is lost on the way, it goes on at the byte where it was. Throws NotFoundError for what is not there or
   * not yours to see, RequestError `bad_cid`, `bad_range`; reading throws LinkError `bad_block` and the like.
   */
  async get(cid: string, { range = { offset: 0 }, ...options }: GetOptions = {}): Promise<BlobStream> {
    const id = parsed(cid)
    const open = (span: ByteSpan): Promise<OpenBlob> =>
      this.#calls.streamed(options, true, async (call: CallOptions, reading) => {
        const { head, body } = await this.#rows.get({ cid, ...defined(span) }, call)
        return { head, body: reading.of(body), corrId: reading.corrId }
      })
    const first = await open(range)
    return new BlobStream({ cid: id, first, range, open, sha256: this.#sha256, retries: RETRIES })
  }

  /** Whether the node has a blob and would give it to this client. */
  async has(cid: string, options?: HubCallOptions): Promise<boolean>
  /** The same of up to 1024, in the order asked. */
  async has(cids: readonly string[], options?: HubCallOptions): Promise<boolean[]>
  async has(asked: string | readonly string[], options: HubCallOptions = {}): Promise<boolean | boolean[]> {
    const cids = typeof asked === 'string' ? [asked] : [...asked]
    const { body = NOTHING } = await this.#calls.unary(options, true, call => this.#rows.has({ cids }, call))
    const answers = cids.map((_, n) => (((body[n >> 3] ?? 0) >> (n & 7)) & 1) === 1)
    return typeof asked === 'string' ? answers[0]! : answers
  }
}

const NOTHING = new Uint8Array()
/** How often in a row a blob may be gone on with before another byte came. */
const RETRIES = 3
/** The longest that a call can be given. */
const NO_DEADLINE_MS = 24 * 3_600_000

function parsed(cid: string) {
  try {
    return parseCid(cid)
  } catch (error) {
    throw typedError(error, undefined)
  }
}
