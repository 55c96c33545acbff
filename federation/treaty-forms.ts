import { isTopicPattern } from '../protocols/index.ts'
import { type Form, listOf, oneOf, textOf, whole } from './form.ts'
import type { SharedClass } from './treaty.ts'

export const MAX_ROWS = 64
export const MAX_ROW_TOPICS = 16
export const MAX_VERBS = 256

const pattern: Form<string> = (value, path, tell) =>
  typeof value === 'string' && isTopicPattern(value) ? value : tell(path, 'not a topic pattern')

const shared: Form<SharedClass> = (value, path, tell) =>
  value === 'private'
    ? tell(path, 'private content never leaves its hub')
    : oneOf('public', 'federated')(value, path, tell)

/** The forms of members that a treaty and what it grants on the wire have in common. */
export const treatyForms = {
  share: {
    id: textOf(/^[0-9a-f]{32}$/, '16 bytes in hex'),
    name: textOf(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'a name of 1 to 63 of a-z, 0-9, dot, _ and -')
  },
  dir: oneOf('in', 'out', 'both'),
  topics: listOf(pattern, MAX_ROW_TOPICS),
  classes: listOf(shared, 2),
  verbs: listOf(
    textOf(/^[a-z][a-z0-9_-]{0,63}:[a-z][a-z0-9_-]{0,63}$/, 'a verb, as mailbox:send'),
    MAX_VERBS
  ),
  window_s: whole(60, 366 * 24 * 3600)
} as const

export const quotaForms = {
  calls_per_s: whole(1, 1e9),
  bytes_per_s: whole(1024 * 1024, 2 ** 40),
  streams: whole(1, 65_536)
} as const
