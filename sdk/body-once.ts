type Body = AsyncIterable<Uint8Array> | Iterable<Uint8Array>

/** A body that is sent, and whether it can be sent again. */
export interface BodyOnce {
  readonly body: Body | undefined
  /** True once pieces were asked for that come once: whoever asks again gets the rest, or nothing. */
  readonly isSpent: () => boolean
}

/** The same pieces, and whether they were begun. A list can be read again, and is never spent. */
export function bodyOnce(body: Body | undefined): BodyOnce {
  if (body === undefined || Array.isArray(body)) return { body, isSpent: () => false }
  let isSpent = false
  const begun = <T>(iterator: T): T => {
    isSpent = true
    return iterator
  }
  const noted: Body =
    Symbol.asyncIterator in body
      ? { [Symbol.asyncIterator]: () => begun(body[Symbol.asyncIterator]()) }
      : { [Symbol.iterator]: () => begun(body[Symbol.iterator]()) }
  return { body: noted, isSpent: () => isSpent }
}
