import { ABOUT } from './about.ts'
import { ARTIFACTS } from './artifacts.ts'
import { ENVELOPES } from './envelopes.ts'
import { NOTARY } from './notary.ts'
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

/** Under these all that is no route is answered with 404 or 405. */
export const AMS_ROOTS = ['/ams/v1/', '/notary/v1/', '/room/v1/'] as const

/** The methods that a path answers, `HEAD` among them; none for an unknown path. */
export function methodsAt(path: string, rows: readonly AmsRoute[] = AMS_ROUTES): readonly string[] {
  const methods = rows.filter(route => isAt(route.path, path)).map(({ method }) => method)
  return methods.includes('GET') ? [...methods, 'HEAD'] : methods
}

function isAt(route: string, path: string): boolean {
  const at = route.indexOf('{')
  return at === -1 ? path === route : path.startsWith(route.slice(0, at)) && path.length > at
}
