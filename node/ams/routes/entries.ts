import { canonicalJson } from '../../../federation/index.ts'
import type { Entry, EntryStore } from '../../stores/ams/index.ts'
import { FORMS } from '../read-envelope.ts'
import type { Check } from '../read-envelope.ts'
import { checkMembers } from '../read-members.ts'
import type { Members } from '../read-members.ts'
import { idTaken } from '../refusal.ts'
import { withRoom } from './opened.ts'
import { nextCursor } from './page.ts'
import type { AmsParts } from './parts.ts'
import { placeOf } from './query.ts'
import type { Answer, Asked } from './route.ts'

/** An entry as it is kept: what was said of it, when and by whom it was said. */
export interface Noted {
  readonly at: string
  readonly by: string
  readonly members: Members
}

interface Said {
  readonly forms: Readonly<Record<string, Check>>
  readonly needed: readonly string[]
  /** For what is left out. */
  readonly usual: Members
  readonly group: string
  /** Begins the id of an entry without one. */
  readonly prefix: string
  /** The entry in an answer. */
  readonly name: string
  /** Throws for members that are in their form, where they are not to be kept. */
  readonly refuseNew?: (members: Members) => void
}

/**
 * Keeps what was posted as an entry: 201, or 200 where its id is there with the same members.
 * @throws EnvelopeRefusal `conflict` for an id with others, OapError `saturated`, what `refuseNew` throws
 */
export async function keepEntry(
  parts: AmsParts,
  store: EntryStore<Noted>,
  posted: Members,
  {
    forms,
    needed,
    usual,
    group,
    prefix,
    name,
    by,
    trace,
    refuseNew
  }: Said & Pick<Asked, 'trace'> & { readonly by: string }
): Promise<Answer> {
  checkMembers(posted, { id: FORMS['id']!, ...forms }, needed)
  const { id = `${prefix}${parts.newUlid()}`, ...said } = posted
  if (posted['id'] === undefined || (await store.get(id as string)) === undefined) refuseNew?.(said)
  const value: Noted = { at: new Date(parts.nowMs()).toISOString(), by, members: { ...usual, ...said } }
  const { isNew, entry } = await withRoom(store).append({ id: id as string, group, value, trace })
  const isSame = entry.group === group && canonicalJson(entry.value.members) === canonicalJson(value.members)
  if (!isNew && !isSame) throw idTaken(entry.id)
  return { status: isNew ? 201 : 200, body: { ok: true, [name]: entryBody(entry) } }
}

export interface AskedEntries {
  readonly limit: number
  readonly cursor?: string
  readonly dir: 'asc' | 'desc'
}

/** A page of entries, of a group or of all. @throws Problem `bad_cursor` */
export async function pageOfEntries(
  store: EntryStore<Noted>,
  { cursor, limit, dir }: AskedEntries,
  group?: string
): Promise<Answer> {
  const asked = { after: placeOf(cursor), limit, isAscending: dir === 'asc' }
  const page = await store.list({ ...asked, group })
  return {
    status: 200,
    body: { ok: true, items: page.items.map(entryBody), nextCursor: nextCursor(page, asked) }
  }
}

const entryBody = ({ id, value }: Entry<Noted>): object => ({
  id,
  ts: value.at,
  by: value.by,
  ...value.members
})
