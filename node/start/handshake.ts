import type { HandshakeParts } from '../ams/routes/index.ts'
import type { Allowlist, LinkStates } from '../allowlist/index.ts'
import { auditEvent, commitment } from '../audit/index.ts'
import type { AuditEvent } from '../audit/index.ts'
import type { Checked } from '../links/index.ts'
import { OapError } from '../../protocols/index.ts'
import { actorOf, idsOf } from './ams-audit.ts'
import type { NodeLinks } from './links.ts'

/** For all targets of one request. */
const WITHIN_MS = 15_000
const BUSY = 'another request has hubs prove themselves; ask again when it is answered'

export interface HandshakePlace {
  readonly allowlist: Pick<Allowlist, 'list'>
  readonly links: Pick<NodeLinks, 'check'> & { readonly states: LinkStates }
  readonly audit: { append(event: AuditEvent): Promise<void> }
}

/** What the routes about handshakes stand on in a running node. @see specs/ams.md, section 17 */
export function handshakeParts({ allowlist, links, audit }: HandshakePlace): HandshakeParts {
  let isBusy = false
  return {
    states: () =>
      allowlist.list().map(({ hub, addresses }) => {
        const { link, why, since } = links.states.of(hub)
        return { hub, addresses, link, ...(why !== '' && { why }), ...(since !== undefined && { since }) }
      }),
    async check(targets, by, trace) {
      if (isBusy) throw new OapError('saturated', BUSY)
      isBusy = true
      try {
        const checked = await links.check(targets, AbortSignal.timeout(WITHIN_MS))
        await Promise.all(checked.map(one => audit.append(toldOf(one, by, trace))))
        return checked
      } finally {
        isBusy = false
      }
    }
  }
}

const toldOf = (
  { target, hub, linked, verified, error }: Checked,
  by: string,
  trace: string | undefined
): AuditEvent =>
  auditEvent(
    'federation.handshake',
    actorOf(by),
    {
      target_sha256: commitment(target),
      linked,
      ...verified,
      // What is not on the allowlist need be no hub.
      ...(verified.allowlisted && hub !== undefined && { hub }),
      ...(error !== undefined && { error })
    },
    idsOf(trace)
  )
