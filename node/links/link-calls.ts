import { LINKS, canonicalJson, grantOf } from '../../federation/index.ts'
import type { Treaty } from '../../federation/index.ts'
import { OapError, federationService } from '../../protocols/index.ts'
import type { LinkEnd, LiveLink } from './live-link.ts'

const LEAVE_MS = 1000

type Called = Pick<LiveLink, 'caller'>

/** Whether the other side of a link is still there. */
export async function answersProbe({ caller }: Called): Promise<boolean> {
  try {
    await caller.client(federationService).probe({}, { deadlineMs: LINKS.probeTimeoutMs })
    return true
  } catch (error) {
    return isBusy(error)
  }
}

/** Tells the other side what it is granted now, for its operator to see: nothing depends on its coming. */
export async function tellTreaty({ caller }: Called, treaty: Treaty): Promise<void> {
  const body = Buffer.from(canonicalJson(grantOf(treaty)))
  await caller
    .client(federationService)
    .treaty({ body }, { deadlineMs: LINKS.probeTimeoutMs })
    .catch(() => undefined)
}

/** Tells the other side that the link ends, and why. */
export async function tellEnd({ caller }: Called, reason: LinkEnd): Promise<void> {
  await caller
    .client(federationService)
    .leave({ reason }, { deadlineMs: LEAVE_MS })
    .catch(() => undefined)
}

/** Who says that it has too much to do, or stops, is there. */
const isBusy = (error: unknown): boolean =>
  error instanceof OapError && (error.status === 503 || error.status === 429)
