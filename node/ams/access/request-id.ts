import { randomUUID } from 'node:crypto'
import { headerLines } from './header-lines.ts'

export const REQUEST_ID_HEADER = 'x-request-id'
const REQUEST_ID = /^[A-Za-z0-9._-]{1,128}$/

/** The id that the caller gave its request, if it is one and there is no other; else one of ours. */
export function requestIdOf(rawHeaders: readonly string[], mint: () => string = mintRequestId): string {
  const [given, ...others] = headerLines(rawHeaders, REQUEST_ID_HEADER)
  return given !== undefined && others.length === 0 && REQUEST_ID.test(given) ? given : mint()
}

const mintRequestId = (): string => `req_${randomUUID().replaceAll('-', '')}`
