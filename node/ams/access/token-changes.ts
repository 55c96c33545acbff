import type { StaticToken, TokenRole } from './static-tokens.ts'

/** A token that was given out, taken back, or has another text or role under its name. */
export interface TokenChange {
  readonly change: 'add' | 'remove' | 'change'
  readonly name: string
  readonly role: TokenRole
}

/** As much of a token as says whether it is the same. */
export type KnownToken = Pick<StaticToken, 'name' | 'role' | 'sha256'>

/** What has changed from one list of tokens to another, each name once. */
export function tokenChanges(
  before: readonly KnownToken[],
  after: readonly KnownToken[]
): readonly TokenChange[] {
  const olds = new Map(before.map(token => [token.name, token]))
  const names = new Set(after.map(({ name }) => name))
  return [
    ...before
      .filter(({ name }) => !names.has(name))
      .map(({ name, role }) => ({ change: 'remove', name, role }) as const),
    ...after.flatMap(({ name, role, sha256 }): readonly TokenChange[] => {
      const old = olds.get(name)
      if (old === undefined) return [{ change: 'add', name, role }]
      return old.role === role && old.sha256 === sha256 ? [] : [{ change: 'change', name, role }]
    })
  ]
}
