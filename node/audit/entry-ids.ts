const ID_BYTES = 16
const IDS_AT_ONCE = 256

/** 128 random bits in hex for each entry, drawn many at a time. */
export class EntryIds {
  readonly #random: (bytes: number) => Uint8Array
  #hex = ''
  #at = 0

  constructor(random: (bytes: number) => Uint8Array) {
    this.#random = random
  }

  next(): string {
    if (this.#at === this.#hex.length) {
      this.#hex = Buffer.from(this.#random(ID_BYTES * IDS_AT_ONCE)).toString('hex')
      this.#at = 0
    }
    this.#at += 2 * ID_BYTES
    return this.#hex.slice(this.#at - 2 * ID_BYTES, this.#at)
  }
}
