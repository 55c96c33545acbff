/** `raw` blocks are leaves; `dag-pb` blocks name others, which are read from them when a root is finished. */
export type Codec = 'raw' | 'dag-pb'

/** What a CIDv1 with sha2-256 says; the store knows no text form. Blocks are kept by digest, roots by both. */
export interface BlockId {
  readonly codec: Codec
  /** 32 bytes: the SHA-256 of the block. */
  readonly digest: Uint8Array
}

/** Who may come to know of a root: anybody, hubs whose treaty says so, its tenant alone. */
export type BlobClass = 'public' | 'federated' | 'private'

export type SharedClass = Exclude<BlobClass, 'private'>

export const BLOB_CLASSES = ['public', 'federated', 'private'] as const satisfies readonly BlobClass[]

/** Longer blocks are refused: what other implementations take at most. */
export const MAX_BLOCK_BYTES = 2 * 1024 * 1024

/**
 * Blocks by digest, whoever's they are: rights are the caller's business. A block stays for as long as a root, an upload or
 * a `put` of its own holds it.
 */
export interface Blocks {
  /** The bytes, hashed again; undefined when it is not there. @throws BlobError `rotten` */
  get(id: BlockId): Promise<Uint8Array | undefined>
  has(id: BlockId): Promise<boolean>
  /** In the order asked; up to 1024. */
  hasMany(ids: readonly BlockId[]): Promise<readonly boolean[]>
  /** Resolves once it would survive a power cut; held until `delete`. @throws BlobError `bad_digest`, `block_oversize`, `disk_full` */
  put(id: BlockId, bytes: Uint8Array): Promise<void>
  /** Gives up what `put` holds; the block goes when nothing else holds it. */
  delete(id: BlockId): Promise<void>
  /** All blocks in the order of their digests, behind `after`. */
  list(options?: { readonly after?: Uint8Array; readonly signal?: AbortSignal }): AsyncIterable<BlockId>
}

/** A root of a tenant. */
export interface RootStat {
  readonly tenant: string
  readonly root: BlockId
  readonly class: BlobClass
  /** Bytes of the content. */
  readonly length: number
  readonly contentType: string | undefined
  readonly isPinned: boolean
  /** What counts against the tenant: the bytes of every block as often as the DAG names it. */
  readonly storedBytes: number
  /** How many times the DAG names a block, the root included. */
  readonly blocks: number
  /** Unix ms. */
  readonly createdAtMs: number
  /** Unix ms; from then on `gc` takes it away. A pinned one has none. */
  readonly expiresAtMs: number | undefined
}

export interface NewBlob {
  readonly class: BlobClass
  readonly contentType?: string | undefined
  readonly isPinned?: boolean | undefined
  /** Unix ms; for one that is not pinned. */
  readonly expiresAtMs?: number | undefined
  /** A root that the tenant has by then stays as it is: its class, type, pin and end. */
  readonly isYielding?: boolean | undefined
  /** Known beforehand: refused at once when it does not fit. */
  readonly expectedBytes?: number | undefined
  /** What the tenant may store in all, open uploads included; without it no bound. */
  readonly tenantBytes?: number | undefined
  /**
   * The root that this will be. What is written before the upload ends is then kept over restarts, and the next `beginPut` of
   * the same tenant and root goes on with it; without it, it is collected.
   */
  readonly root?: BlockId | undefined
}

/**
 * A blob that comes in, block by block in any order; a lease on its blocks. Every write is hashed and written, whatever the
 * store has already. Disposing without `finish` suspends it when it was given its root, else aborts it.
 */
export interface Upload extends AsyncDisposable {
  /** Of all blocks written, also before a restart; counts against the tenant. */
  readonly bytes: number
  /**
   * Resolves when there is room for more, which may be before the block is durable; the bytes must not change any more.
   * @throws BlobError `bad_digest`, `block_oversize`, `tenant_full`, `disk_full`
   */
  write(id: BlockId, bytes: Uint8Array): Promise<void>
  /** Whether this upload has the block, also from before a restart. What others stored does not show. */
  has(id: BlockId): Promise<boolean>
  /** As `has`, with its bytes. @throws BlobError `rotten` */
  get(id: BlockId): Promise<Uint8Array | undefined>
  /**
   * Resolves once every block under the root is there and all of it would survive a power cut; the tenant then has the root.
   * A root that the tenant has already gets the new class and type, and keeps a pin.
   * @throws BlobError `bad_dag`, `tenant_full`, `disk_full`; the upload stays open
   */
  finish(root: BlockId, length: number): Promise<RootStat>
  /** Keeps what is there for the next `beginPut` of the same root. */
  suspend(): Promise<void>
  /** Nothing of it stays. */
  abort(): Promise<void>
}

/** A root being read: none of its blocks is collected before `release`, whatever is deleted meanwhile. */
export interface ReadingLease extends Disposable {
  readonly root: BlockId
  readonly length: number
  readonly contentType: string | undefined
  readonly class: BlobClass
  /** A block of this DAG, hashed again. @throws BlobError `rotten`, `closed` */
  get(id: BlockId): Promise<Uint8Array | undefined>
  /** As `get` for several, in the order asked; reads what lies together at once. Up to 64. */
  getMany(ids: readonly BlockId[]): Promise<readonly (Uint8Array | undefined)[]>
  /** Safe to call twice. */
  release(): void
}

/** A block and what lies below it being read: nothing of that is collected before `release`. */
export type BlockLease = Pick<ReadingLease, 'root' | 'get' | 'release'> & Disposable

/** An upload that is not finished, of a root that is known. */
export interface PartialBlob {
  readonly tenant: string
  readonly root: BlockId
  readonly bytes: number
  /** Unix ms of the last write that is durable. */
  readonly touchedAtMs: number
}

/** Where in a tenant's blob a block is; `length` are the bytes of content in it, or below it. */
export interface BlockPlace {
  readonly tenant: string
  readonly root: BlockId
  readonly class: BlobClass
  readonly offset: number
  readonly length: number
}

export interface Roots {
  /** In the order of digests, behind `after`; up to 1024. */
  list(
    tenant: string,
    options?: { readonly after?: BlockId | undefined; readonly limit?: number }
  ): Promise<readonly RootStat[]>
  /** All tenants' roots of a class, each root once, in the order of digests; up to 1024. `private` ones are not kept so. */
  listOf(
    blobClass: SharedClass,
    options?: { readonly after?: BlockId | undefined; readonly limit?: number }
  ): Promise<readonly BlockId[]>
  stat(tenant: string, root: BlockId): Promise<RootStat | undefined>
  /** Resolves once durable; whether it was there. What nothing else holds is collected by `gc`. A pinned root stays: `pinned`. */
  delete(tenant: string, root: BlockId): Promise<'deleted' | 'absent' | 'pinned'>
  /** Whether there is such a root. Resolves once durable. */
  pin(tenant: string, root: BlockId): Promise<boolean>
  unpin(
    tenant: string,
    root: BlockId,
    options?: { readonly expiresAtMs?: number | undefined }
  ): Promise<boolean>
  /** Whether `open` would find it; costs the same whether it is not there or not the reader's to see. */
  canOpen(
    tenant: string | undefined,
    root: BlockId,
    options?: { readonly classes?: readonly SharedClass[] }
  ): Promise<boolean>
  /** The widest class that any tenant gave it; undefined for `private` and absent ones, which cannot be told apart. */
  classOf(root: BlockId): Promise<SharedClass | undefined>
  /** Whether a public root reaches the block; costs as much for a private block as for an absent one. */
  isPublicBlock(id: BlockId): Promise<boolean>
  /** The roots that reach a block. Reads every node that is stored: for repairs, one after the other. */
  reaching(id: BlockId, options?: { readonly signal?: AbortSignal | undefined }): AsyncIterable<BlockPlace>
  partials(tenant: string, options?: { readonly limit?: number }): Promise<readonly PartialBlob[]>
}

export interface Usage {
  /** Of finished roots. */
  readonly bytes: number
  readonly blobs: number
  /** Of uploads that are open or suspended. */
  readonly uploadingBytes: number
}

export interface GcReport {
  readonly blocks: number
  /** Of blocks that went. */
  readonly bytes: number
  /** Given back to the file system. */
  readonly freedBytes: number
}

export type FindingKind =
  /** Its bytes do not have its digest, or cannot be read. */
  'rotten'

export interface ScrubFinding {
  readonly kind: FindingKind
  readonly id: BlockId
  readonly detail: string
  readonly isRepaired: boolean
}

export interface ScrubProgress {
  /** 0 to 1, of all blocks. */
  readonly done: number
  readonly blocks: number
  readonly bytes: number
  readonly rotten: number
}

export interface ScrubOptions {
  /** Yields the bytes of a rotten block, from wherever; they are hashed before they are kept. */
  readonly fetch?: ((id: BlockId, signal: AbortSignal) => Promise<Uint8Array | undefined>) | undefined
  readonly onFinding?: (finding: ScrubFinding) => void
  readonly onProgress?: (progress: ScrubProgress) => void
  /** At most so many bytes are read a second; default 8 MiB. */
  readonly bytesPerSecond?: number
  /** Begins at the first block instead of where the last scrub stopped. */
  readonly fromStart?: boolean
  readonly signal?: AbortSignal | undefined
}

export interface ScrubReport extends ScrubProgress {
  readonly repaired: number
  /** The first 1,000. */
  readonly findings: readonly ScrubFinding[]
}

/** Blobs that survive a power cut once they are finished. Memory does not grow with what is stored. */
export interface BlobStore extends AsyncDisposable {
  readonly blocks: Blocks
  readonly roots: Roots
  /** Of all blocks that are kept, with what it takes to keep them; what two share counts once. */
  readonly bytes: number
  /** What the first write of rows that failed threw; from then on everything throws `failed`. */
  readonly failure: unknown
  /** @throws BlobError `tenant_full` */
  beginPut(tenant: string, blob: NewBlob): Promise<Upload>
  /**
   * The tenant's root, or any tenant's that is of one of `classes` (default `public`); undefined where there is none. It
   * looks at nothing else: what the reader may not see costs as much as what is not there.
   */
  open(
    tenant: string | undefined,
    root: BlockId,
    options?: { readonly classes?: readonly SharedClass[] }
  ): Promise<ReadingLease | undefined>
  /** A block that a public root reaches; undefined for any other. What is not public costs as much as what is not there. */
  openPublic(id: BlockId): Promise<BlockLease | undefined>
  usage(tenant: string): Promise<Usage>
  /** Collects what nothing holds, slowly beside readers and writers; one run at a time. */
  gc(options?: { readonly signal?: AbortSignal | undefined }): Promise<GcReport>
  /** Hashes every block slowly, and goes on where an earlier one stopped, also after a restart. */
  scrub(options?: ScrubOptions): Promise<ScrubReport>
}
