import { headerLines } from './header-lines.ts'

/** Characters of a token: a capability of 4096 bytes has 5462. */
export const MAX_TOKEN_CHARACTERS = 5600

const BEARER = /^bearer +([\x21-\x7e]+)$/i
const PLAIN = /^[\x21-\x7e]+$/

/** What a request shows to be let in: one token, nothing, or what cannot be told from an attempt to show two. */
export type Presented =
  { readonly token: string } | { readonly token: undefined } | { readonly problem: string }

/**
 * The token of a request: of `Authorization: Bearer`, of `x-ams-token`, or the same of both. No other place is looked at.
 * A problem never holds any of what was sent.
 */
export function presentedToken(rawHeaders: readonly string[]): Presented {
  const bearers = headerLines(rawHeaders, 'authorization')
  const plains = headerLines(rawHeaders, 'x-ams-token')
  if (bearers.length > 1) return { problem: 'Authorization stands there twice; send it once' }
  if (plains.length > 1) return { problem: 'x-ams-token stands there twice; send it once' }
  const bearer = bearers.map(value => BEARER.exec(value)?.[1])
  const plain = plains.map(value => (PLAIN.test(value) ? value : undefined))
  if (bearer.includes(undefined)) return { problem: 'Authorization: must be Bearer and a token' }
  if (plain.includes(undefined)) return { problem: 'x-ams-token: must be a token without spaces' }
  const [token, other = token] = [...bearer, ...plain]
  if (token === undefined) return { token: undefined }
  if (token.length > MAX_TOKEN_CHARACTERS || (other?.length ?? 0) > MAX_TOKEN_CHARACTERS)
    return { problem: `a token has at most ${MAX_TOKEN_CHARACTERS} characters` }
  if (token !== other) return { problem: 'Authorization and x-ams-token differ; send one of them' }
  return { token }
}
