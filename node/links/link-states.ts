import type { LinkState, LinkStates } from '../allowlist/index.ts'
import type { Links } from './links.ts'
import type { Relations } from './relations.ts'

/** How the links of a running node are. */
export const linkStates = (
  links: Pick<Links, 'of' | 'theirs'>,
  relations: Pick<Relations, 'of'>
): LinkStates => ({
  of(hub): LinkState {
    const link = links.of(hub)
    const theirs = links.theirs(hub)
    if (link !== undefined) return { link: 'up', why: '', since: link.sinceS, theirs }
    const how = relations.of(hub)
    return {
      link: how?.isDialling === true ? 'connecting' : 'down',
      why: how?.why ?? 'not tried yet',
      since: how?.sinceS,
      theirs
    }
  }
})
