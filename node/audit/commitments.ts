import { createHash } from 'node:crypto'
import { hubPublicKey, parseOrigin, readForm } from '../../federation/index.ts'
import type { Form } from '../../federation/index.ts'

/**
 * The kinds of values that may enter the log: numbers, words of closed lists, ids that stand for something public, and
 * SHA-256 commitments to the rest. There is no kind for free text, so a token, a payload or an address finds no place.
 */
export interface Commitment<T> {
  readonly optional: boolean
  /** What stands in the entry. @throws TypeError that names the member, never the value. */
  readonly read: (value: unknown, name: string) => T
}

export type Commitments = Readonly<Record<string, Commitment<unknown>>>

type OptionalNames<F extends Commitments> = {
  [K in keyof F]: F[K] extends Commitment<infer T> ? (undefined extends T ? K : never) : never
}[keyof F]

export type CommitmentValues<F extends Commitments> = {
  readonly [K in Exclude<keyof F, OptionalNames<F>>]: F[K] extends Commitment<infer T> ? T : never
} & { readonly [K in OptionalNames<F>]?: F[K] extends Commitment<infer T> ? T : never }

/** SHA-256 in hex: what an entry says of bytes or text that must not stand in it. */
export function commitment(of: string | Uint8Array): string {
  return createHash('sha256').update(of).digest('hex')
}

const kind = <T>(holds: (value: unknown) => boolean, what: string): Commitment<T> => ({
  optional: false,
  read: (value, name) => {
    if (holds(value)) return value as T
    throw new TypeError(`audit: ${name} is not ${what}`)
  }
})

const matching = (form: RegExp, what: string): Commitment<string> =>
  kind(value => typeof value === 'string' && form.test(value), what)

export const optional = <T>({ read }: Commitment<T>): Commitment<T | undefined> => ({ optional: true, read })

/** A whole number from 0 to 2^53 - 1. */
export const natural: Commitment<number> = kind(
  value => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0,
  'a whole number'
)
export const hubOf = kind<string>(
  value => typeof value === 'string' && hubPublicKey(value) !== undefined,
  'a hub id'
)
export const flag: Commitment<boolean> = kind(value => typeof value === 'boolean', 'true or false')
export const digest = matching(/^[0-9a-f]{64}$/, 'a SHA-256 in hex')
/** 128 random bits in hex. */
export const capId = matching(/^[0-9a-f]{32}$/, '32 hex digits')
/** The number of a root key. */
export const keyNumber: Commitment<number> = kind(
  value => typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 0xffff_ffff,
  'the number of a root key'
)
export const uuid = matching(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, 'a UUID')
export const versionNumber = matching(
  /^\d{1,5}(?:\.\d{1,5}){2}(?:-(?:alpha|beta|rc)\.\d{1,5})?$/,
  'a version'
)
export const logOrigin = kind<string>(
  value => typeof value === 'string' && parseOrigin(value) !== undefined,
  'the origin of a log'
)

/** One word of a closed list. */
export const oneOf = <const W extends readonly string[]>(words: W): Commitment<W[number]> =>
  kind(value => typeof value === 'string' && words.includes(value), 'one of its closed list')

/** A value in a form, all of whose members are of the kinds above. */
export const inForm = <T>(form: Form<T>, what: string): Commitment<T> =>
  kind(value => !('problems' in readForm(form, value)), what)

/** Words of a closed list, sorted, each once. */
export const someOf = (words: readonly string[]): Commitment<readonly string[]> => ({
  optional: false,
  read: (value, name) => {
    const one = oneOf(words)
    if (!Array.isArray(value)) throw new TypeError(`audit: ${name} is not a list`)
    return [...new Set(value.map(word => one.read(word, name)))].sort()
  }
})

/**
 * Who acts: `node` itself, `local` (the admin socket), `anonymous`, `hub:` and a hub id, `cap:` and a capability id,
 * `peer:` and a peer id, or `token:` and the name that the operator gave a token.
 */
export const principal = kind<string>(value => typeof value === 'string' && isPrincipal(value), 'a principal')

const PEER_ID =
  /^(?:12D3KooW[1-9A-HJ-NP-Za-km-z]{44}|Qm[1-9A-HJ-NP-Za-km-z]{44}|16Uiu2HA[1-9A-HJ-NP-Za-km-z]{45,46})$/

function isPrincipal(text: string): boolean {
  if (text === 'node' || text === 'local' || text === 'anonymous') return true
  const [, family, rest = ''] = /^(hub|cap|peer|token):(\S{1,64})$/.exec(text) ?? []
  if (family === 'hub') return hubPublicKey(rest) !== undefined
  if (family === 'token') return /^[a-z0-9][a-z0-9_.-]{0,63}$/.test(rest)
  if (family === 'cap') return /^[0-9a-f]{32}$/.test(rest)
  return family === 'peer' && PEER_ID.test(rest)
}

/** The members that a row of commitments names. @throws TypeError for one that is missing, strange or of no such kind. */
export function readCommitments<F extends Commitments>(
  row: F,
  values: Readonly<Record<string, unknown>>
): CommitmentValues<F> {
  const read: Record<string, unknown> = {}
  for (const [name, { optional: isOptional, read: readOne }] of Object.entries(row)) {
    const value = values[name]
    if (value !== undefined) read[name] = readOne(value, name)
    else if (!isOptional) throw new TypeError(`audit: ${name} is missing`)
  }
  if (Object.keys(values).some(name => !Object.hasOwn(row, name)))
    throw new TypeError('audit: a member that this type of entry does not have')
  return read as CommitmentValues<F>
}
