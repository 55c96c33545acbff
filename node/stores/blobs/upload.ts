import { BlobError } from './blob-error.ts'
import { checkBlock } from './blocks.ts'
import { badDag, makeWhole } from './dag.ts'
import { encodeHold } from './hold-value.ts'
import { checkRoom, endUpload, finishing, finishingAtOnce, isResumedBy } from './finishing.ts'
import { blockKey, hexOf, holdKey, resumeKey, rootText, uploadKey, usageKey } from './keys.ts'
import type { BlockReader } from './reading.ts'
import { addUsage, usageOf } from './records.ts'
import type { UploadRow } from './records.ts'
import type { BlockId, NewBlob, RootStat, Upload } from './types.ts'
import type { Change, Writer } from './writer.ts'
import type { Level } from '../level.ts'

/** What an upload gathers before it is written. */
const FLUSH_BYTES = 1024 * 1024
const FLUSH_BLOCKS = 512
/** As much of all uploads together, in memory, lets each write at once. */
const GATHERED_BYTES = 16 * 1024 * 1024

const HELD = encodeHold({ isHeld: true, totals: undefined })

export interface UploadParts {
  readonly level: Level
  readonly reader: BlockReader
  readonly writer: Writer
  readonly now: () => number
  /** Bytes that wait in all uploads. */
  readonly gathered: { bytes: number }
  /** Told of an upload whose holds are to be taken away. */
  readonly over: (upload: string) => void
  /** Told that the upload is not open any more. */
  readonly closed: (upload: string) => void
}

interface Gathered {
  readonly id: BlockId
  readonly bytes: Uint8Array
}

type Blocks = ReadonlyMap<string, Gathered>

/** An upload whose blocks go to the disk some at a time, while the next come in. */
export class StoredUpload implements Upload {
  readonly #parts: UploadParts
  readonly #upload: string
  readonly #tenant: string
  readonly #blob: NewBlob
  #bytes: number
  /** Whether rows tell of it. */
  #isKept: boolean
  /** Whether the next upload of its root goes on with it: of several at once, one. */
  #isResumable: boolean
  #gathering = new Map<string, Gathered>()
  #gatheredBytes = 0
  #uncounted = 0
  #flushing: { readonly blocks: Blocks; readonly done: Promise<void> } | undefined
  #failure: { readonly error: unknown } | undefined
  #isOpen = true

  constructor(
    parts: UploadParts,
    upload: string,
    {
      tenant,
      blob,
      kept
    }: { readonly tenant: string; readonly blob: NewBlob; readonly kept: UploadRow | undefined }
  ) {
    this.#parts = parts
    this.#upload = upload
    this.#tenant = tenant
    this.#blob = blob
    this.#bytes = kept?.bytes ?? 0
    this.#isKept = kept !== undefined
    this.#isResumable = blob.root !== undefined
  }

  get bytes(): number {
    return this.#bytes
  }

  async write(id: BlockId, bytes: Uint8Array): Promise<void> {
    this.#check()
    checkBlock(id, bytes)
    const hex = hexOf(id.digest)
    this.#bytes += bytes.length
    this.#uncounted += bytes.length
    if (!this.#gathering.has(hex)) {
      this.#gathering.set(hex, { id, bytes })
      this.#gatheredBytes += bytes.length
      this.#parts.gathered.bytes += bytes.length
    }
    // One more may come in while the last is written. Of several who wait for that, one writes what all have gathered.
    while (this.#isFull && this.#flushing !== undefined) await this.#flushed()
    this.#check()
    if (this.#isFull && this.#gathering.size > 0) this.#flush()
  }

  async has({ digest }: BlockId): Promise<boolean> {
    return (await this.#hold(hexOf(digest))) !== undefined
  }

  async get(id: BlockId): Promise<Uint8Array | undefined> {
    const hex = hexOf(id.digest)
    const waiting = this.#waiting(hex)
    if (waiting !== undefined) return waiting.bytes
    return (await this.#hold(hex)) === undefined ? undefined : await this.#parts.reader.get(id)
  }

  async finish(root: BlockId, length: number): Promise<RootStat> {
    this.#check()
    const { writer, reader, now } = this.#parts
    const hex = hexOf(root.digest)
    const [upload, tenant, blob] = [this.#upload, this.#tenant, this.#blob]
    const finished = { upload, tenant, blob, root, length, nowMs: now() }
    const alone = this.#alone(hex, root)
    let stat
    if (alone === undefined) {
      await this.#flushAll()
      const hold = (of: string): Promise<Uint8Array | undefined> => this.#hold(of)
      const whole = await makeWhole({ reader, writer, upload, class: blob.class, hold }, root)
      checkLength(whole.length, length)
      stat = await writer.commit(finishing(finished, whole.totals))
      this.#parts.over(upload)
    } else {
      checkLength(alone.length, length)
      stat = await writer.commit(finishingAtOnce(finished, alone))
    }
    this.#close()
    return stat
  }

  async suspend(): Promise<void> {
    if (!this.#isOpen) return
    try {
      if (this.#isResumable && this.#failure === undefined) await this.#flushAll()
    } catch (error) {
      this.#close()
      throw error
    }
    if (!this.#isResumable) return await this.abort()
    this.#close()
  }

  async abort(): Promise<void> {
    if (!this.#isOpen) return
    this.#isOpen = false
    await this.#flushed()
    this.#close()
    if (!this.#isKept) return
    await this.#parts.writer.commit(aborting(this.#upload, this.#tenant, this.#blob.root))
    this.#parts.over(this.#upload)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Where even that cannot be written, the next opening of the store does it; what went wrong before is what is told.
    await this.suspend().catch(() => undefined)
  }

  /** The bytes of the root where it is the whole blob, and nothing else was written. */
  #alone(hex: string, { codec }: BlockId): Uint8Array | undefined {
    if (this.#isKept || codec !== 'raw' || this.#gathering.size !== 1) return undefined
    return this.#gathering.get(hex)?.bytes
  }

  get #isFull(): boolean {
    // What repeats itself is not gathered again, but counts: whoever has no room for it is told in the middle.
    if (this.#uncounted >= FLUSH_BYTES || this.#gathering.size >= FLUSH_BLOCKS) return true
    return this.#parts.gathered.bytes >= GATHERED_BYTES
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure.error
    if (!this.#isOpen) throw new BlobError('closed', 'the upload is closed')
  }

  #waiting(hex: string): Gathered | undefined {
    return this.#gathering.get(hex) ?? this.#flushing?.blocks.get(hex)
  }

  /** What is known of a block of this upload; undefined where it has none. */
  async #hold(hex: string): Promise<Uint8Array | undefined> {
    if (this.#waiting(hex) !== undefined) return HELD
    return this.#isKept ? await this.#parts.level.get(holdKey(this.#upload, hex)) : undefined
  }

  async #flushAll(): Promise<void> {
    while (this.#flushing !== undefined) await this.#flushed()
    this.#check()
    if (this.#gathering.size === 0) return
    this.#flush()
    await this.#flushed()
    this.#check()
  }

  async #flushed(): Promise<void> {
    await this.#flushing?.done
  }

  #flush(): void {
    const [blocks, bytes, counted] = [this.#gathering, this.#gatheredBytes, this.#uncounted]
    this.#gathering = new Map()
    this.#gatheredBytes = 0
    this.#uncounted = 0
    this.#isKept = true
    const done = this.#parts.writer
      .commit(gathering(blocks, counted, this.#upload, this.#tenant, this.#blob, this.#parts.now()))
      .then(isResumable => {
        this.#isResumable = isResumable
      })
      .catch((error: unknown) => {
        this.#failure ??= { error }
      })
      .finally(() => {
        this.#parts.gathered.bytes -= bytes
        this.#flushing = undefined
      })
    this.#flushing = { blocks, done }
  }

  #close(): void {
    this.#isOpen = false
    this.#parts.gathered.bytes -= this.#gatheredBytes
    this.#gathering = new Map()
    this.#gatheredBytes = 0
    this.#parts.closed(this.#upload)
  }
}

function checkLength(found: number, length: number): void {
  if (found !== length) throw badDag(`${found} bytes, ${length} were expected`)
}

/** Blocks become those of the upload. Yields whether it can be gone on with later. */
function gathering(
  blocks: Blocks,
  counted: number,
  upload: string,
  tenant: string,
  { root, tenantBytes }: NewBlob,
  nowMs: number
): Change<boolean> {
  const hexes = [...blocks.keys()]
  const resume = root === undefined ? undefined : resumeKey(tenant, root)
  return {
    records: [...blocks.values()].map(({ id: { digest }, bytes }) => ({ digest, bytes })),
    keys: [
      uploadKey(upload),
      usageKey(tenant),
      ...(resume === undefined ? [] : [resume]),
      ...hexes.flatMap(hex => [blockKey(hex), holdKey(upload, hex)])
    ],
    apply(rows, places) {
      const { bytes, blobs, uploading } = usageOf(rows, tenant)
      checkRoom(tenant, { bytes: bytes + uploading + counted, blobs }, tenantBytes)
      const before = rows.json<UploadRow>(uploadKey(upload))
      if (resume !== undefined && !rows.has(resume)) rows.put(resume, Buffer.from(upload))
      const isResumable = resume !== undefined && isResumedBy(rows, resume, upload)
      const row: UploadRow = {
        tenant,
        root: isResumable ? rootText(root!) : undefined,
        bytes: (before?.bytes ?? 0) + counted,
        touchedAtMs: nowMs
      }
      rows.putJson(uploadKey(upload), row)
      addUsage(rows, tenant, { uploading: counted })
      for (const [i, hex] of hexes.entries()) {
        rows.point(hex, blocks.get(hex)!.id.codec, places[i]!)
        const own = holdKey(upload, hex)
        if (rows.has(own)) continue
        rows.put(own, HELD)
        rows.hold(hex)
      }
      return isResumable
    }
  }
}

/** An upload ends without a root. */
export function aborting(upload: string, tenant: string, root: BlockId | undefined): Change<void> {
  const key = uploadKey(upload)
  return {
    records: [],
    keys: [key, usageKey(tenant), ...(root === undefined ? [] : [resumeKey(tenant, root)])],
    apply(rows) {
      const row = rows.json<UploadRow>(key)
      if (row !== undefined) endUpload(rows, upload, row)
    }
  }
}
