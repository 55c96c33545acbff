import type { PeerRow } from '../protocols/index.ts'
import { dateText, leftText } from './moment.ts'
import { facts, printable } from './terminal.ts'
import type { Terminal } from './terminal.ts'

/** `up`, `down: never tried`. */
export const linkText = ({ link, why }: PeerRow): string => (why === '' ? link : `${link}: ${printable(why)}`)

/** `allowed`, `expired`, `quarantined`, `allowed for 3 d`. */
export function stateText({ state, expires }: PeerRow, nowS: number): string {
  return state === 'allowed' && expires !== undefined ? `${state} for ${leftText(expires, nowS)}` : state
}

/** `2, 5 behind, 1 lost, asked 2026-11-22 ...`; of a hub with which nothing is shared, how many shares. */
export function sharesText({ shares, lag = 0, gap = 0, reconciled_at: at }: PeerRow): string {
  const parts = [
    String(shares),
    ...(lag > 0 ? [`${lag} behind`] : []),
    ...(gap > 0 ? [`${gap} lost`] : []),
    ...(at === undefined ? [] : [`asked ${dateText(at)}`])
  ]
  return parts.join(', ')
}

/** `in 2 places from what the other hub grants; see treaty show`; empty where nothing differs or nothing is known. */
const differsText = ({ differs = 0 }: PeerRow): string =>
  differs === 0
    ? ''
    : `in ${differs} place${differs === 1 ? '' : 's'} from what the other hub grants; see treaty show`

/** A hub on the allowlist, a line for each thing there is to know. */
export function peerText(peer: PeerRow, terminal: Terminal, nowS: number): string {
  const { hub, addresses, note, source, verbs, expires, changed_at, since } = peer
  const { quarantine = '', successor, delegations, revoked_keys } = peer
  return facts(
    [
      ['hub', hub],
      ['note', printable(note)],
      ...addresses.map(address => ['address', address] as const),
      ['state', stateText(peer, nowS)],
      ['quarantine', quarantine],
      ['goes on as', successor === undefined ? '' : `${successor}, by its own word; see peer succeed`],
      ['link', linkText(peer)],
      ['since', since === undefined ? '' : dateText(since)],
      ['verbs', verbs.join(' ') || 'none'],
      ['shares', sharesText(peer)],
      ['differs', differsText(peer)],
      ['expires', expires === undefined ? 'never' : dateText(expires)],
      ['keys', delegations + revoked_keys === 0 ? '' : `${delegations} known, ${revoked_keys} revoked`],
      ['kept in', source === 'config' ? 'the configuration, federation.peers' : 'the data folder'],
      ['changed', changed_at === undefined ? '' : dateText(changed_at)]
    ],
    terminal
  )
}
