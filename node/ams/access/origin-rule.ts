import { headerLines } from './header-lines.ts'

const ORIGIN = /^https?:\/\/(?:\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)(?::\d{1,5})?$/
const SAFE_METHODS: readonly string[] = ['GET', 'HEAD', 'OPTIONS']
const OWN_SITES: readonly string[] = ['same-origin', 'none']

/** Why a text is no origin; undefined when it is one. */
export const originProblem = (text: string): string | undefined =>
  ORIGIN.test(text) ? undefined : 'must be an origin in small letters: https://app.example.org'

/** What can change nothing. */
export const isSafeMethod = (method: string): boolean => SAFE_METHODS.includes(method)

/** Where a request comes from, as a browser tells; who is no browser tells nothing. */
export type FromOrigin = 'nowhere' | 'own' | 'listed' | 'foreign'

/**
 * Where a request comes from. A page that this hub itself served is its own; one that the browser keeps nameless (`null`)
 * is foreign.
 */
export function originOf(rawHeaders: readonly string[], listed: ReadonlySet<string>): FromOrigin {
  const [origin, ...others] = headerLines(rawHeaders, 'origin')
  const [site] = headerLines(rawHeaders, 'sec-fetch-site')
  if (origin === undefined) return site === undefined || OWN_SITES.includes(site) ? 'nowhere' : 'foreign'
  if (others.length > 0) return 'foreign'
  if (listed.has(origin)) return 'listed'
  const [host = ''] = headerLines(rawHeaders, 'host')
  const isOwn = origin === `http://${host}` || origin === `https://${host}`
  return isOwn && (site === undefined || site === 'same-origin') ? 'own' : 'foreign'
}

/** Whether somebody follows a link from another site, or opens a page of this hub from there, and no page asks for itself. */
export const isVisit = (method: string, rawHeaders: readonly string[]): boolean => {
  const said = (name: string): string | undefined => headerLines(rawHeaders, name)[0]
  const isPage = said('sec-fetch-mode') === 'navigate' && said('sec-fetch-dest') === 'document'
  return (method === 'GET' || method === 'HEAD') && isPage && said('origin') === undefined
}
