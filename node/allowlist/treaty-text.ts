import { TomlError, parse, stringify } from 'smol-toml'
import type { Treaty } from '../../federation/index.ts'
import { MAX_JSON_BYTES, OapError, parseJson } from '../../protocols/index.ts'

/**
 * The value that the text of a treaty stands for, TOML or JSON, before it is judged; or why it is none, in one line.
 * @see specs/federation-links.md, section 7
 */
export function treatyValue(text: string): { readonly value: unknown } | { readonly problem: string } {
  const bytes = Buffer.from(text)
  if (bytes.length > MAX_JSON_BYTES) return { problem: `longer than ${MAX_JSON_BYTES} bytes` }
  try {
    return { value: text.trimStart().startsWith('{') ? parseJson(bytes) : parse(text) }
  } catch (error) {
    if (error instanceof OapError) return { problem: error.message }
    if (!(error instanceof TomlError)) throw error
    const [, reason = 'not TOML'] = /^Invalid TOML document: (.*)/.exec(error.message) ?? []
    return { problem: `line ${error.line}, column ${error.column}: ${reason}` }
  }
}

/** A treaty as TOML, which `treatyValue` reads again. */
export function treatyText({ rows, ...others }: Treaty): string {
  return stringify({ ...others, rows }).trimEnd()
}
