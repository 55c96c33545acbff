import { atLeast, flag, listOf } from './form.ts'
import type { Form } from './form.ts'
import { forms } from './forms.ts'
import { MAX_ROWS, quotaForms, treatyForms } from './treaty-forms.ts'
import type { Treaty, TreatyRow } from './treaty.ts'

/** A row as the other hub sees it: without a tenant. */
export type GrantRow = Omit<TreatyRow, 'tenant'>

/** What a treaty grants, as it goes to the other hub. @see specs/federation-links.md, section 7.3 */
export type TreatyGrant = Omit<Treaty, 'rows'> & { readonly rows: readonly GrantRow[] }

/** What goes to the other hub; all lists in ascending order, so that one treaty has one text. */
export function grantOf({ rows, classes, verbs, witness, quotas, window_s, expires }: Treaty): TreatyGrant {
  return {
    rows: rows
      .map(({ share, dir, topics, relay }) => ({ share, dir, topics: topics.toSorted(), relay }))
      .sort((a, b) => (a.share.id < b.share.id ? -1 : 1)),
    classes: classes.toSorted(),
    verbs: verbs.toSorted(),
    witness,
    quotas,
    window_s,
    ...(expires !== undefined && { expires })
  }
}

const { share, dir, topics, classes, verbs, window_s } = treatyForms
const MEMBERS = atLeast(
  {
    rows: listOf(atLeast({ share: atLeast(share), dir, topics, relay: flag }), MAX_ROWS),
    classes,
    verbs,
    witness: flag,
    quotas: atLeast(quotaForms),
    window_s
  },
  { expires: forms.seconds }
)

/** What came from the other hub; members that are not known are passed over. */
export const TREATY_GRANT: Form<TreatyGrant> = (value, path, tell) => {
  const grant = MEMBERS(value, path, tell)
  const within = path === '' ? '' : `${path}.`
  const ids = new Set<string>()
  for (const [n, row] of (grant?.rows ?? []).entries()) {
    const id = row?.share?.id
    if (id !== undefined && ids.has(id)) tell(`${within}rows[${n}].share.id`, 'stands in another row, too')
    else if (id !== undefined) ids.add(id)
  }
  return grant
}
