import { entityBytesText } from './entity-bytes.ts'
import type { Wanted } from './wanted.ts'

/** The strong tag of an answer: what is asked for is always the same bytes. */
export function etagOf(cid: string, wanted: Wanted): string {
  if (wanted.form === 'raw') return `"${cid}.raw"`
  const bytes = wanted.bytes === undefined ? '' : `.${entityBytesText(wanted.bytes)}`
  return `"${cid}.car.dfs.y.${wanted.scope}${bytes}"`
}

/** Whether an `If-None-Match` header names the tag. */
export function isNamed(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false
  return header.split(',').some(tag => {
    const text = tag.trim()
    return text === '*' || text === etag || text === `W/${etag}`
  })
}
