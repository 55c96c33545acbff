/** Cuts bytes, whatever pieces they come in, into leaves of one length; only the last one may be shorter. */
export class LeafCutter {
  readonly #leafBytes: number
  #begun: Uint8Array | undefined
  #filled = 0

  constructor(leafBytes: number) {
    this.#leafBytes = leafBytes
  }

  /** Leaves that lie in one piece are views of it, the others copies. */
  push(piece: Uint8Array): Uint8Array[] {
    const leaves: Uint8Array[] = []
    let at = 0
    if (this.#begun !== undefined) {
      at = this.#fill(this.#begun, piece)
      if (this.#filled < this.#leafBytes) return leaves
      leaves.push(this.#begun)
      this.#begun = undefined
    }
    for (; piece.length - at >= this.#leafBytes; at += this.#leafBytes) {
      leaves.push(piece.subarray(at, at + this.#leafBytes))
    }
    if (at < piece.length) {
      this.#begun = Buffer.allocUnsafeSlow(this.#leafBytes)
      this.#filled = 0
      this.#fill(this.#begun, piece.subarray(at))
    }
    return leaves
  }

  /** The rest, undefined when the bytes ended with a leaf. */
  end(): Uint8Array | undefined {
    const rest = this.#begun?.slice(0, this.#filled)
    this.#begun = undefined
    return rest
  }

  #fill(leaf: Uint8Array, piece: Uint8Array): number {
    const taken = piece.subarray(0, this.#leafBytes - this.#filled)
    leaf.set(taken, this.#filled)
    this.#filled += taken.length
    return taken.length
  }
}
