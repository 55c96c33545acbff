/** The bytes of a block that a caller wants: `first` to `last`, both included. */
export interface ByteRange {
  readonly first: number
  readonly last: number
}

const ONE_RANGE = /^bytes=(\d{0,15})-(\d{0,15})$/i

/**
 * What a `Range` header means for `total` bytes: `unsatisfiable` where none of it is there, undefined where it is to be
 * ignored, as several ranges are.
 */
export function byteRange(
  header: string | undefined,
  total: number
): ByteRange | 'unsatisfiable' | undefined {
  const [, first, last] = ONE_RANGE.exec(header?.trim() ?? '') ?? []
  if (first === undefined || last === undefined || first + last === '') return undefined
  if (first === '') {
    const length = Math.min(total, Number(last))
    return length === 0 ? 'unsatisfiable' : { first: total - length, last: total - 1 }
  }
  const from = Number(first)
  const to = last === '' ? total - 1 : Math.min(total - 1, Number(last))
  if (last !== '' && Number(last) < from) return undefined
  return from >= total ? 'unsatisfiable' : { first: from, last: to }
}
