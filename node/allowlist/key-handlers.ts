import { confirmationProblem } from '../../federation/index.ts'
import type { KeyRecord } from '../../federation/index.ts'
import { OapError } from '../../protocols/index.ts'
import type { PeerRow } from '../../protocols/index.ts'
import { auditEvent } from '../audit/index.ts'
import { operatorOf } from '../capabilities/audit.ts'
import { parseHubFile } from '../identity/hub-file.ts'
import type { HubFile } from '../identity/hub-file.ts'
import type { PeerKeys } from '../peer-keys/index.ts'
import type { FederationAdmin } from './admin-handlers.ts'
import { treatyDigest } from './allowlist.ts'
import type { AllowedHub, Allowlist, WriteTogether } from './allowlist.ts'

const MAX_TOLD = 16

export interface KeyHandlersOptions {
  readonly allowlist: () => Allowlist
  readonly keys: () => PeerKeys
  readonly rowOf: (entry: AllowedHub) => PeerRow
}

/** The operator's rows about the keys of hubs: what their files say, successions, quarantine. */
export function keyHandlers({
  allowlist,
  keys,
  rowOf
}: KeyHandlersOptions): Pick<FederationAdmin, 'peer_import' | 'peer_succeed' | 'peer_release'> {
  const isAllowed = (hub: string): boolean => allowlist().get(hub) !== undefined
  /** The hub on the list that goes on as another, by its own word. */
  const before = (successor: string): string | undefined =>
    allowlist()
      .list()
      .find(({ hub }) => keys().successors(hub).includes(successor))?.hub

  return {
    peer_import: async ({ hub, body = NOTHING }) => {
      const file = fileIn(body)
      if (hub !== undefined && file.hub !== hub)
        throw new OapError('bad_request', `file: is of hub ${file.hub}, not of ${hub}`)
      const line = [...file.successions.map(({ statement }) => statement.hub), file.hub]
      if (!line.some(isAllowed) && before(file.hub) === undefined)
        throw new OapError(
          'not_found',
          `hub ${file.hub}: neither it nor a hub that it follows is on the allowlist; see peer list and peer add`
        )
      const { learned, known, refused, equivocating } = await keys().learn(recordsOf(file))
      const follows = isAllowed(file.hub) ? undefined : before(file.hub)
      return {
        hub: file.hub,
        learned,
        known,
        refused: [...new Set(refused)].slice(0, MAX_TOLD),
        equivocating: equivocating.slice(0, MAX_TOLD),
        ...(follows !== undefined && { follows })
      }
    },

    peer_succeed: async ({ successor }, call) => {
      const hub = before(successor)
      if (hub === undefined) throw notSuccessor(successor, isAllowed(successor))
      const { successions } = keys()
      const problem = confirmationProblem(successions, isAllowed, { hub, successor })
      if (problem === 'already_allowed') throw alreadyAllowed(successor, hub)
      if (problem !== undefined) throw notSuccessor(successor, false)
      const quarantine = keys().quarantine(hub)
      if (quarantine !== undefined)
        throw new OapError(
          'conflict',
          `hub ${hub}: is in quarantine, ${quarantine}; ask its operator, then peer release it or peer remove it`,
          { reason: 'quarantine' }
        )
      const line = [hub, ...keys().successors(hub)]
      const ended = line.slice(0, line.indexOf(successor))
      // In one write: no crash leaves a hub that has ended with an entry, nor one that was not confirmed with a treaty.
      const confirm: WriteTogether = write => keys().confirm(ended, write)
      return rowOf(await allowlist().succeed(hub, successor, operatorOf(call), confirm))
    },

    peer_release: async ({ hub }, call) => {
      const entry = allowlist().find(hub)
      const { actor, ...ids } = operatorOf(call)
      const treaty_sha256 = treatyDigest(entry.treaty)
      const event = auditEvent('peer', actor, { hub, change: 'release', treaty_sha256 }, ids)
      if (!(await keys().release(hub, event)))
        throw new OapError('conflict', `hub ${hub}: is in no quarantine`)
      return rowOf(entry)
    }
  }
}

const NOTHING = new Uint8Array(0)

/** Successions come first: whoever follows an allowed hub may speak of keys. */
const recordsOf = ({ successions, revocations, delegations }: HubFile): readonly KeyRecord[] => [
  ...successions.map(record => ({ kind: 'succession', record }) as const),
  ...revocations.map(record => ({ kind: 'key_revocation', record }) as const),
  ...delegations.map(record => ({ kind: 'delegation', record }) as const)
]

function fileIn(body: Uint8Array): HubFile {
  try {
    return parseHubFile(Buffer.from(body).toString())
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new OapError('bad_request', `file: ${error.message}`, { cause: error })
  }
}

const notSuccessor = (hub: string, isThere: boolean): OapError =>
  isThere
    ? new OapError('conflict', `hub ${hub}: is on the allowlist, and no other hub there goes on as it`, {
        reason: 'already_allowed'
      })
    : new OapError(
        'conflict',
        `hub ${hub}: no hub of the allowlist goes on as it by its own word; give peer import what its key export prints`,
        { reason: 'not_successor' }
      )

const alreadyAllowed = (successor: string, hub: string): OapError =>
  new OapError(
    'conflict',
    `hub ${successor}: has an entry of its own already; peer remove one of the two, it or ${hub}`,
    { reason: 'already_allowed' }
  )
