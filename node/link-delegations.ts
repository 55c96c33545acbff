import { type Delegation, authorityProblem, formatDelegation, parseDelegation } from '../federation/index.ts'
import { CLOCK_SKEW_S } from '../protocols/index.ts'
import { ownCommand } from './own-command.ts'

// What an earlier key signed carries its delegation with it, so the file may forget the oldest.
const MOST_KEPT = 32
const MOST_CHARS = 1024
const SOON_S = 30 * 86_400

/** No file of them is longer. */
export const MAX_DELEGATIONS_BYTES = MOST_KEPT * MOST_CHARS

/** The text of a node's `delegation.json`: the hub's words for the keys that it has had, one a line, by epoch. */
export function formatLinkDelegations(all: readonly Delegation[]): string {
  return all
    .slice(-MOST_KEPT)
    .map(one => formatDelegation(one))
    .join('')
}

/** The hub's words for a node's keys, as they stand in its file. */
export interface LinkDelegations {
  /** By epoch, the newest last: that speaks for the key that the node has. */
  readonly all: readonly [...Delegation[], Delegation]
  /** Of the last one ever written, which a rotation that was cut short may have left without its key. */
  readonly lastEpoch: number
}

/**
 * Reads what `formatLinkDelegations` writes. The last line may speak for a key that is not there when the one before
 * speaks for `peerId`: a rotation was cut short, and it is passed over.
 * @throws SyntaxError saying what is wrong. Proves nothing yet: see `linkProblem`.
 */
export function parseLinkDelegations(text: string, peerId: string): LinkDelegations {
  const all = text.split(/(?<=\n)/).map(line => parseDelegation(line))
  const [newest, before] = [all.at(-1)!, all.at(-2)]
  const epochs = all.map(({ statement }) => statement.epoch)
  if (epochs.some((epoch, at) => at > 0 && epoch <= epochs[at - 1]!))
    throw new SyntaxError(`epochs ${epochs.join(', ')} do not grow`)
  const isCutShort = newest.statement.peer_id !== peerId && before?.statement.peer_id === peerId
  return {
    all: isCutShort ? [...all.slice(0, -2), before] : [...all.slice(0, -1), newest],
    lastEpoch: newest.statement.epoch
  }
}

/** Whose delegations they must be. */
export interface LinkHolder {
  readonly hub: string
  readonly peerId: string
}

/** Why delegations are not the hub's for this node, whenever; undefined when they are. */
export function linkProblem({ all }: LinkDelegations, { hub, peerId }: LinkHolder): string | undefined {
  const { statement: newest } = all.at(-1)!
  const foreign = all.find(({ statement }) => statement.hub !== hub)?.statement
  if (foreign !== undefined)
    return `made by hub ${foreign.hub}, but hub.pub is ${hub}; restore the keys that belong together`
  if (newest.peer_id !== peerId)
    return `made for peer ${newest.peer_id}, but node.key is ${peerId}; restore the keys that belong together`
  const renamed = all.find(({ statement }) => statement.node !== newest.node)?.statement
  if (renamed !== undefined)
    return `made for node ${renamed.node} and for node ${newest.node}; restore the keys that belong together`
  for (const delegation of all) {
    const problem = authorityProblem(delegation)
    if (problem !== undefined) return `${problem}; restore the keys from a backup`
  }
  return undefined
}

/** Why a delegation that is the hub's does not hold at a time (seconds since 1970), and the way out. */
export function outOfTime({ statement }: Delegation, nowS: number, data: string): string | undefined {
  const { not_before, not_after, role } = statement
  if (nowS < not_before - CLOCK_SKEW_S)
    return `not valid before ${isoTime(not_before)}; set the clock of this machine`
  if (nowS > not_after + CLOCK_SKEW_S)
    return `expired at ${isoTime(not_after)}; set the clock of this machine if that is wrong, else let the hub key sign again: ${ownCommand('key', 'delegate', '--role', role, '--data', data)}`
  return undefined
}

/** When a delegation ends, if that is within 30 days. */
export function endsSoon({ statement }: Delegation, nowS: number): string | undefined {
  return statement.not_after - nowS < SOON_S ? isoTime(statement.not_after) : undefined
}

const isoTime = (seconds: number): string => new Date(seconds * 1000).toISOString()
