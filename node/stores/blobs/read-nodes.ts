const BYTES = 4 * 1024 * 1024
/** A larger one would take too many others' room. */
const LARGEST_BYTES = 256 * 1024

/**
 * Interior nodes that were read last, as they were when their hash was found right: who reads a blob again has its first leaf
 * three waits for the disk earlier, or more. They say nothing of who may read. Nobody may change their bytes.
 */
export class ReadNodes {
  /** The one that was used last comes last. */
  readonly #nodes = new Map<string, Uint8Array>()
  readonly #mostBytes: number
  #bytes = 0

  constructor(mostBytes = BYTES) {
    this.#mostBytes = mostBytes
  }

  get bytes(): number {
    return this.#bytes
  }

  get(hex: string): Uint8Array | undefined {
    const node = this.#nodes.get(hex)
    if (node === undefined) return undefined
    this.#nodes.delete(hex)
    this.#nodes.set(hex, node)
    return node
  }

  keep(hex: string, node: Uint8Array): void {
    if (node.length > LARGEST_BYTES) return
    this.#drop(hex)
    this.#nodes.set(hex, node)
    this.#bytes += node.length
    for (const oldest of this.#nodes.keys()) {
      if (this.#bytes <= this.#mostBytes) return
      this.#drop(oldest)
    }
  }

  #drop(hex: string): void {
    this.#bytes -= this.#nodes.get(hex)?.length ?? 0
    this.#nodes.delete(hex)
  }
}
