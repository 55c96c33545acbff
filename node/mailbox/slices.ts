export interface SliceBounds {
  readonly items: number
  readonly bytes: number
}

/** What is dealt with before others get their turn. */
const SLICE: SliceBounds = { items: 256, bytes: 4 * 1024 * 1024 }

/** The items in their order, a few at a time: at least one, and no more than the bounds allow. */
export function* slices<T extends { readonly bytes: number }>(
  items: readonly T[],
  most: SliceBounds = SLICE
): Generator<readonly T[], void> {
  let some: T[] = []
  let bytes = 0
  for (const item of items) {
    if (some.length > 0 && (some.length >= most.items || bytes + item.bytes > most.bytes)) {
      yield some
      some = []
      bytes = 0
    }
    some.push(item)
    bytes += item.bytes
  }
  if (some.length > 0) yield some
}
