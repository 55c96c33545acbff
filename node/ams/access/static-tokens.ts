import { hash, timingSafeEqual } from 'node:crypto'
import { SetupError } from '../../setup-error.ts'
import { ANONYMOUS } from './caller.ts'
import { MAX_TOKEN_CHARACTERS } from './presented-token.ts'
import type { Role } from './roles.ts'

/** Bytes of a token where the hub is hardened. */
export const HARDENED_TOKEN_BYTES = 32
/** Tokens of one hub: each request that shows a token is compared with all of them. */
export const MAX_STATIC_TOKENS = 256

/** Who decides by the policy, and who shows no token, as records name them. */
const RESERVED: readonly string[] = ['hub', ANONYMOUS]
const NAME = /^[a-z0-9][a-z0-9_.-]{0,63}$/
const TOKEN = /^[\x21-\x7e]+$/
const DIGEST = /^[0-9a-f]{64}$/

export type TokenRole = Exclude<Role, 'none'>

/** A token as it is kept: whoever reads it can say which token is meant, and cannot show it. */
export interface StaticToken {
  /** 1 to 64 of `a`-`z`, `0`-`9`, `_`, `.`, `-`, the first a letter or digit. */
  readonly name: string
  readonly role: TokenRole
  /** SHA-256 of the token, in hex. */
  readonly sha256: string
  /** How long the token is. */
  readonly bytes: number
}

/** As much of a token as says whether it is the same. */
export type KnownToken = Pick<StaticToken, 'name' | 'role' | 'sha256'>

/** @throws SetupError `badInput` that names the token and holds nothing of its text. */
export function staticToken(name: string, role: TokenRole, text: string): StaticToken {
  if (!TOKEN.test(text) || text.length > MAX_TOKEN_CHARACTERS)
    throw wrong(name, `must be 1 to ${MAX_TOKEN_CHARACTERS} visible characters of ASCII without spaces`)
  const token = { name, role, sha256: hash('sha256', text, 'hex'), bytes: text.length }
  refuseMisnamed(token)
  return token
}

/** The static tokens of a hub. */
export class StaticTokens {
  readonly list: readonly StaticToken[]
  readonly #digests: readonly Buffer[]

  /** @throws SetupError `badInput` for two of one name, one text under two names, and too many. */
  constructor(tokens: readonly StaticToken[]) {
    if (tokens.length > MAX_STATIC_TOKENS)
      throw new SetupError(
        'badInput',
        `${tokens.length} tokens, at most ${MAX_STATIC_TOKENS}: remove some, or use capabilities`
      )
    const byDigest = new Map<string, string>()
    const names = new Set<string>()
    for (const token of tokens) {
      refuseMisnamed(token)
      const same = byDigest.get(token.sha256)
      if (same !== undefined) throw wrong(token.name, `has the text of ${same}: each needs one of its own`)
      if (names.has(token.name)) throw wrong(token.name, 'is there twice: give one another name')
      byDigest.set(token.sha256, token.name)
      names.add(token.name)
    }
    this.list = tokens
    this.#digests = tokens.map(({ sha256 }) => Buffer.from(sha256, 'hex'))
  }

  /** The names of earlier tokens that are not here as they were: gone, or with another text or role. */
  missing({ list }: Pick<StaticTokens, 'list'>): readonly string[] {
    const isHere = (old: StaticToken): boolean =>
      this.list.some(
        ({ name, role, sha256 }) => name === old.name && role === old.role && sha256 === old.sha256
      )
    return list.filter(old => !isHere(old)).map(({ name }) => name)
  }

  /** The token that `text` is. It takes the same time whichever it is and however much of one it has. */
  find(text: string): StaticToken | undefined {
    const shown = hash('sha256', text, 'buffer')
    let found: StaticToken | undefined
    for (const [n, digest] of this.#digests.entries())
      if (timingSafeEqual(digest, shown)) found = this.list[n]
    return found
  }
}

/** Why no token can have a name; undefined for one that can. */
export function misnamed(name: string): string | undefined {
  if (!NAME.test(name)) return 'must be 1 to 64 of a-z, 0-9, _, . and -, the first a letter or digit'
  return RESERVED.includes(name)
    ? 'stands for the hub, or for callers without a token: choose another'
    : undefined
}

function refuseMisnamed({ name, sha256 }: StaticToken): void {
  const problem = misnamed(name)
  if (problem !== undefined) throw wrong(name, problem)
  if (!DIGEST.test(sha256)) throw wrong(name, 'has no SHA-256 of 64 hex digits')
}

const wrong = (name: string, what: string): SetupError =>
  new SetupError('badInput', `token ${JSON.stringify(name.slice(0, 64))}: ${what}`)
