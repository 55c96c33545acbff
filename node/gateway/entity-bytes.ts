/** Plain bytes as `entity-bytes` writes them: negative numbers count from the end, `to` is the last byte. */
export interface EntityBytes {
  readonly from: number
  /** Undefined for `*`, the last byte of all. */
  readonly to: number | undefined
}

const FORM = /^(-?\d{1,15}):(\*|-?\d{1,15})$/

/** Undefined for what is no range. */
export function parseEntityBytes(text: string): EntityBytes | undefined {
  const [, from, to] = FORM.exec(text) ?? []
  if (from === undefined) return undefined
  return { from: Number(from), to: to === '*' ? undefined : Number(to) }
}

export const entityBytesText = ({ from, to }: EntityBytes): string => `${from}:${to ?? '*'}`

/** What of a blob is meant: bytes of it, none of it, or such as lie outside. */
export type MeantBytes = { readonly offset: number; readonly length: number } | 'none' | 'outside'

export function bytesWithin({ from, to = -1 }: EntityBytes, total: number): MeantBytes {
  const first = Math.max(0, from < 0 ? total + from : from)
  const last = Math.min(total - 1, to < 0 ? total + to : to)
  if (total > 0 && first >= total) return 'outside'
  return last < first ? 'none' : { offset: first, length: last - first + 1 }
}
