import { canonicalJson } from './canonical.ts'
import { grantOf } from './treaty-grant.ts'
import type { Treaty, TreatyReading } from './treaty.ts'

/** The canonical JSON of what a treaty grants, as it goes to the other hub. */
export const MAX_GRANT_BYTES = 32_768

const LOCAL = 'admin:'

/** What members of a treaty say against each other, or against the time and the verbs that there are; by path. */
export function contradictions(treaty: Treaty, { nowS, verbs }: TreatyReading): string[] {
  const { rows, classes, expires } = treaty
  return [
    ...repeated(rows.map(({ share }) => share.id)).map(
      n => `rows[${n}].share.id: stands in another row, too`
    ),
    ...repeated(rows.map(({ share }) => share.name)).map(
      n => `rows[${n}].share.name: stands in another row, too`
    ),
    ...rows.flatMap(({ dir, topics }, n) => rowProblems(`rows[${n}].topics`, dir, topics)),
    ...repeated(classes).map(n => `classes[${n}]: stands there twice`),
    ...verbProblems(treaty.verbs, verbs),
    ...(expires !== undefined && nowS !== undefined && expires <= nowS
      ? [`expires: ${new Date(expires * 1000).toISOString()} is past`]
      : []),
    ...(Buffer.byteLength(canonicalJson(grantOf(treaty))) > MAX_GRANT_BYTES
      ? [`more than ${MAX_GRANT_BYTES} bytes go to the other hub`]
      : [])
  ]
}

function rowProblems(path: string, dir: string, topics: readonly string[]): string[] {
  const way = { in: 'comes in', out: 'goes out', both: 'goes either way' }[dir]
  return [
    ...(topics.length === 0 ? [`${path}: none, so nothing ${way}`] : []),
    ...repeated(topics).map(n => `${path}[${n}]: stands there twice`)
  ]
}

function verbProblems(verbs: readonly string[], known: ReadonlySet<string> | undefined): string[] {
  const isUnknown = (verb: string): boolean => known !== undefined && !known.has(verb)
  return [
    ...verbs.flatMap((verb, n) => {
      if (verb.startsWith(LOCAL)) return [`verbs[${n}]: ${verb} is for this machine alone`]
      return isUnknown(verb) ? [`verbs[${n}]: there is no verb ${verb}`] : []
    }),
    ...repeated(verbs).map(n => `verbs[${n}]: stands there twice`)
  ]
}

/** Where a text stands that stood before. */
const repeated = (texts: readonly string[]): number[] =>
  texts.flatMap((text, n) => (texts.indexOf(text) < n ? [n] : []))
