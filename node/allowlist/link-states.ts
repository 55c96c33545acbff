import type { TreatyGrant } from '../../federation/index.ts'

/** How the link to one hub is. */
export interface LinkState {
  readonly link: 'up' | 'connecting' | 'down'
  /** Why it is not up; empty where it is. */
  readonly why: string
  /** Since when it is so, in Unix seconds; undefined where it never was otherwise. */
  readonly since: number | undefined
  /** What the other hub's newest proof says that it grants us, as it came; undefined where none came. */
  readonly theirs: TreatyGrant | undefined
}

/** What is known of links; whoever links gives it. */
export interface LinkStates {
  /** Of a hub, on the allowlist or not. */
  of(hub: string): LinkState
}

const without = (why: string): LinkStates => {
  const state: LinkState = { link: 'down', why, since: undefined, theirs: undefined }
  return { of: () => state }
}

/** Of a node that makes no links. */
export const neverTried = without('never tried')
/** Of the data folder of a stopped node. */
export const nodeStopped = without('the node does not run')
