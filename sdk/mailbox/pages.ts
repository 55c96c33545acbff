import { OapError } from '../../protocols/index.ts'
import type { HubCallOptions } from '../calls.ts'
import { defined } from './message.ts'

export interface PageOptions extends HubCallOptions {
  /** The most that one call brings, 1 to 256. */
  readonly max?: number | undefined
  /** The most bytes of them. */
  readonly maxBytes?: number | undefined
}

/** One page of a list, and where the next begins. */
export interface Page<T> {
  readonly items: readonly T[]
  readonly next?: string | undefined
}

/** What one call for a page says. */
export interface PageRequest {
  readonly max?: number
  readonly max_bytes?: number
  readonly after?: string
}

/** All items of a list in pages; the next page is asked for when the one before was read. */
export async function* paged<T>(
  options: PageOptions,
  get: (request: PageRequest, options: HubCallOptions) => Promise<Page<T>>
): AsyncGenerator<T, void> {
  const { max, maxBytes, ...calling } = options
  let after: string | undefined
  do {
    const page = await get(defined({ max, max_bytes: maxBytes, after }) as PageRequest, calling)
    for (const item of page.items) yield item
    if (page.next !== undefined && page.next === after)
      throw new OapError('upstream', `the node gives the page after ${after} again and again`)
    after = page.next
  } while (after !== undefined)
}
