import { exactly, flag, listOf, readForm, textOf } from './form.ts'
import { forms } from './forms.ts'
import { contradictions } from './treaty-contradictions.ts'
import { MAX_ROWS, quotaForms, treatyForms } from './treaty-forms.ts'

/** Which way the messages of a share go, as this hub sees it. */
export type Direction = 'in' | 'out' | 'both'

/** Content of the class `private` never leaves a hub. */
export type SharedClass = 'public' | 'federated'

/** A share: an id that both hubs know, and a name for people. */
export type Share = {
  /** 16 random bytes in hex. */
  readonly id: string
  readonly name: string
}

/** Topics of one tenant here that the other hub knows as a share. */
export type TreatyRow = {
  readonly share: Share
  readonly dir: Direction
  /** The UUID of the tenant here; it never leaves this hub. */
  readonly tenant: string
  /** Patterns; the same language as in capabilities. */
  readonly topics: readonly string[]
  /** Whether bodies may come from, or be given by, a hub that is not their origin. */
  readonly relay: boolean
}

/** What the other hub may spend here, over all its connections. */
export type Quotas = {
  readonly calls_per_s: number
  /** Frame bytes, both ways. */
  readonly bytes_per_s: number
  /** Open calls that stream or subscribe. */
  readonly streams: number
}

/** What this hub lets another do. @see specs/federation-links.md, section 7 */
export type Treaty = {
  readonly rows: readonly TreatyRow[]
  /** Classes of content that the other hub may ask for. */
  readonly classes: readonly SharedClass[]
  /** What the other hub may call here. */
  readonly verbs: readonly string[]
  /** Whether this hub witnesses the audit log of the other. */
  readonly witness: boolean
  readonly quotas: Quotas
  /** How old a message may be to be taken or asked for, in seconds. */
  readonly window_s: number
  /** Unix seconds from which nothing of it holds; without it there is no end. */
  readonly expires?: number
}

const WEEK_S = 7 * 24 * 3600

/** A treaty that lets the other hub link, and nothing else. */
export const LEAST_TREATY: Treaty = {
  rows: [],
  classes: [],
  verbs: [],
  witness: false,
  quotas: { calls_per_s: 100, bytes_per_s: 16 * 1024 * 1024, streams: 64 },
  window_s: WEEK_S
}

const { share, dir, topics, classes, verbs, window_s } = treatyForms
const ROW = exactly(
  {
    share: exactly(share),
    dir,
    tenant: textOf(/^(?!0{8}-)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, 'a UUID'),
    topics
  },
  { relay: flag }
)
const TREATY = exactly(
  {},
  {
    rows: listOf(ROW, MAX_ROWS),
    classes,
    verbs,
    witness: flag,
    quotas: exactly(quotaForms),
    window_s,
    expires: forms.seconds
  }
)

export interface TreatyReading {
  /** Unix seconds: a treaty that had ended by then is refused. */
  readonly nowS?: number
  /** The verbs that there are; others are refused. */
  readonly verbs?: ReadonlySet<string>
}

/** The treaty in a document, what it leaves out filled in from the least; or all that is wrong with it, by path. */
export function readTreaty(
  document: unknown,
  about: TreatyReading = {}
): { readonly value: Treaty } | { readonly problems: readonly string[] } {
  const read = readForm(TREATY, document)
  if ('problems' in read) return read
  const rows = (read.value.rows ?? []).map(row => ({ ...row, relay: row.relay ?? false }))
  const value: Treaty = { ...LEAST_TREATY, ...read.value, rows }
  const problems = contradictions(value, about)
  return problems.length > 0 ? { problems } : { value }
}
