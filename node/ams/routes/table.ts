import type { RouteRow } from '../../http/index.ts'
import { ABOUT } from './about.ts'
import { ARTIFACTS } from './artifacts.ts'
import { ENVELOPES } from './envelopes.ts'
import { MODERATION } from './moderation.ts'
import { NOTARY } from './notary.ts'
import { RETENTION } from './retention.ts'
import { ROOMS } from './rooms.ts'
import type { AmsRoute } from './route.ts'
import { SUBMIT } from './submit.ts'
import { SYNC } from './sync.ts'
import { THREADS } from './threads.ts'

/** Every route of the AMS surface that is served here. @see specs/ams.md, section 9 */
export const AMS_ROUTES: readonly AmsRoute[] = [
  ...ABOUT,
  ...ENVELOPES,
  ...THREADS,
  ...SYNC,
  ...SUBMIT,
  ...ARTIFACTS,
  ...NOTARY,
  ...ROOMS
]

/** What only the operator may call. @see specs/ams.md, sections 14 and 16 */
export const ADMIN_ROUTES: readonly AmsRoute[] = [...MODERATION, ...RETENTION]

export const ADMIN_ROOTS = ['/admin/v1/'] as const

/** Under these all that is no route is answered with 404 or 405. */
export const AMS_ROOTS = ['/ams/v1/', '/notary/v1/', '/room/v1/'] as const

export type RowAt = Pick<RouteRow, 'method' | 'path'>

/** The methods that a path answers, `HEAD` among them; none for an unknown path. */
export function methodsAt(path: string, rows: readonly RowAt[] = AMS_ROUTES): readonly string[] {
  const methods: readonly string[] = rows.filter(route => isAt(route.path, path)).map(({ method }) => method)
  return methods.includes('GET') ? [...methods, 'HEAD'] : methods
}

function isAt(route: string, path: string): boolean {
  const at = route.indexOf('{')
  return at === -1 ? path === route : path.startsWith(route.slice(0, at)) && path.length > at
}
