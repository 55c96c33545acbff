import type { VerifiedToken } from '../../protocols/index.ts'

/**
 * Whether the hub itself minted a token for certain content. Who holds one may add such a caveat offline, so that it can
 * only take away: what the hub writes ends with the first `expires`. A renewal moves that behind what a holder added, so
 * of a token that may be renewed nobody can tell.
 */
export function isMintedForContent({ caveats }: Pick<VerifiedToken, 'caveats'>): boolean {
  if (caveats.some(({ key }) => key === 'renew-until')) return false
  const end = caveats.findIndex(({ key }) => key === 'expires')
  return caveats.slice(0, Math.max(0, end)).some(({ key }) => key === 'content')
}
