/**
 * On every answer: nothing that somebody posted is rendered, framed, guessed to be of another type, read by a page of
 * another site, or kept by a cache.
 */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cache-control': 'no-store'
}

/** Seconds for which a browser need not ask again whether it may. */
const PREFLIGHT_FOR_S = 600

/** For pages of a listed origin; others get none of these. Cookies are never asked for. */
export const corsHeaders = (origin: string): Readonly<Record<string, string>> => ({
  'access-control-allow-origin': origin,
  'access-control-expose-headers':
    'x-request-id, retry-after, ratelimit, ratelimit-policy, etag, content-range, x-artifact-type, x-blob-type, x-blob-head',
  vary: 'Origin'
})

/** Besides, where a page of a listed origin asks beforehand. */
export const PREFLIGHT_HEADERS: Readonly<Record<string, string>> = {
  'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
  'access-control-allow-headers':
    'authorization, content-type, x-ams-token, x-request-id, traceparent, range, if-range, if-none-match',
  'access-control-max-age': String(PREFLIGHT_FOR_S)
}
