import { parseJson } from '../../../protocols/index.ts'
import type { CanonicalValue } from '../../../federation/index.ts'

export type JsonBody = Readonly<Record<string, CanonicalValue>>

/** Members and items of one body in all. */
const MAX_VALUES = 131_072
const JSON_TYPE = /^application\/json(?:\s*;\s*charset="?utf-8"?)?\s*$/i

/**
 * The object in the bytes of a body, read as strictly as all JSON here.
 * @throws OapError `bad_payload`
 */
export const readObject = (bytes: Uint8Array): JsonBody =>
  parseJson(bytes, { maxBytes: bytes.length, maxValues: MAX_VALUES })

/** Whether a Content-Type says JSON in UTF-8. */
export const isJsonType = (contentType: string | undefined): boolean =>
  contentType !== undefined && JSON_TYPE.test(contentType)
