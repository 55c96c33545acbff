const PAGE = 256

interface Page<T> {
  readonly items: readonly T[]
  readonly next?: string | undefined
}

/** At most `count` items of a list that comes in pages. */
export async function* inPages<T>(
  count: number,
  get: (request: { readonly max: number; readonly after?: string }) => Promise<Page<T>>
): AsyncGenerator<T, void> {
  let left = count
  let after: string | undefined
  while (left > 0) {
    const { items, next } = await get({ max: Math.min(PAGE, left), ...(after !== undefined && { after }) })
    for (const item of items.slice(0, left)) yield item
    left -= items.length
    if (next === undefined || next === after) return
    after = next
  }
}
