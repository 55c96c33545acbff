import { AUDIT } from './audit-routes.ts'
import { MAILBOX } from './mailbox-routes.ts'
import type { CallRoute } from './route.ts'
import { STORAGE } from './storage-routes.ts'

/** Every route that becomes a call to a service of this node. @see specs/http.md */
export const CALL_ROUTES: readonly CallRoute[] = [...MAILBOX, ...STORAGE, ...AUDIT]

/** Under these all that is no route is answered with 404 or 405. */
export const CALL_ROOTS = ['/mailbox/v1/', '/storage/v1/', '/audit/v1/'] as const

/** The methods that a path answers, `HEAD` among them; none for an unknown path. */
export function methodsAt(path: string): readonly string[] {
  const methods = CALL_ROUTES.filter(route => isAt(route.path, path)).map(({ method }) => method)
  return methods.includes('GET') ? [...methods, 'HEAD'] : methods
}

function isAt(route: string, path: string): boolean {
  const at = route.indexOf('{')
  return at === -1 ? path === route : path.startsWith(route.slice(0, at)) && path.length > at
}
