import { canonicalJson, isTextOf } from '../canonical.ts'
import { parsedJson } from '../statement.ts'
import { SNAPSHOTS } from './numbers.ts'
import type { Files } from './opening.ts'
import { SEAL_FILE, SIGNATURE_FILE, isSealedPath, shown } from './paths.ts'
import { type Judged, refused } from './refusals.ts'

const TYPE = 'omnigate/sealed/1'

/** A sealed folder of texts as one blob: canonical JSON and a line feed. @throws TypeError for a file that is no UTF-8 */
export function formatPackage(files: Files): Uint8Array {
  const texts = Object.fromEntries([...files].map(([path, bytes]) => [path, textIn(bytes)]))
  return Buffer.from(formatted(texts))
}

const formatted = (files: Readonly<Record<string, string>>): string =>
  `${canonicalJson({ files, type: TYPE })}\n`

/** Reads what `formatPackage` writes, and only that. The files are not looked at yet. */
export function parsePackage(bytes: Uint8Array): Judged<Files> {
  // In JSON a control character takes six bytes; texts of a snapshot have few.
  if (bytes.length > SNAPSHOTS.packageBytes)
    return refused('too_large', `longer than ${SNAPSHOTS.packageBytes} bytes`)
  try {
    const text = textIn(bytes)
    const { files, type } = objectOf(parsedJson(text))
    if (type !== TYPE) return refused('malformed', `type: not ${TYPE}`)
    const entries = Object.entries(objectOf(files))
    if (entries.length > SNAPSHOTS.packageFiles)
      return refused('too_large', `more than ${SNAPSHOTS.packageFiles} files`)
    const wrong = entries.find(
      ([path]) => path !== SEAL_FILE && path !== SIGNATURE_FILE && !isSealedPath(path)
    )
    if (wrong !== undefined) return refused('path', shown(wrong[0]))
    if (!entries.every((entry): entry is [string, string] => typeof entry[1] === 'string'))
      return refused('malformed', 'files: not texts')
    const texts = Object.fromEntries(entries as [string, string][])
    if (!isTextOf(text, () => formatted(texts))) return refused('malformed', 'not canonical JSON')
    return { value: new Map(entries.map(([path, content]) => [path, Buffer.from(content as string)])) }
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof TypeError)) throw error
    return refused('malformed', error.message.slice(0, 256))
  }
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Readonly<Record<string, unknown>>
  throw new SyntaxError('expected an object')
}

const textIn = (bytes: Uint8Array): string =>
  new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
