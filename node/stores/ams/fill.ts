import { OapError } from '../../../protocols/index.ts'

/** What stores take together of a bound in bytes; each adds what it finds that it has when it is opened. */
export class Fill {
  readonly most: number
  #used = 0

  constructor(most = Infinity) {
    this.most = most
  }

  get used(): number {
    return this.#used
  }

  /** @throws OapError `storage_full` where more would be taken than may be */
  take(bytes: number): void {
    if (bytes > 0 && this.#used + bytes > this.most)
      throw new OapError(
        'quota_tenant',
        `what is kept here has its ${this.most} bytes; the operator can raise gateway.ams_bytes`,
        { code: 'storage_full' }
      )
    this.add(bytes)
  }

  /** What was there before, or, if negative, is there no more. */
  add(bytes: number): void {
    this.#used += bytes
  }
}

/** Bytes of a value in a row. */
export const rowBytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value))
