import { formatCursor } from '../cursor.ts'

export interface Listed<T> {
  readonly items: readonly T[]
  /** Where the next page begins; undefined at the end. */
  readonly next: number | undefined
}

/**
 * The cursor of the next page. Oldest first there always is one, so that a reader can ask again for what comes; newest
 * first there is none at the end. @see specs/ams.md, section 6
 */
export function nextCursor<T extends { readonly place: number }>(
  { items, next }: Listed<T>,
  { isAscending, after }: { readonly isAscending: boolean; readonly after: number | undefined }
): string | null {
  const place = next ?? (isAscending ? (items.at(-1)?.place ?? after) : undefined)
  return place === undefined ? null : formatCursor(place)
}
