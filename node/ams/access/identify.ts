import type { VerifiedToken } from '../../../protocols/index.ts'
import { ANONYMOUS } from './caller.ts'
import type { Caller } from './caller.ts'
import type { Presented } from './presented-token.ts'
import type { AccessRefusal } from './refusal.ts'
import { includesRole } from './roles.ts'
import type { Role } from './roles.ts'
import { HARDENED_TOKEN_BYTES } from './static-tokens.ts'
import type { StaticTokens } from './static-tokens.ts'

/** Whether whoever comes may write. */
export type WriteMode = 'open' | 'token'

/** Who asks, and by what right. */
export interface Identified {
  readonly caller: Caller
  /** Whether it has shown a token that is good. */
  readonly isKnown: boolean
  /** Whether its token is so short that somebody might find it by trying. */
  readonly isGuessable: boolean
  /** The capability that it has shown; undefined for another token, and for one that is charged where it is judged. */
  readonly token: VerifiedToken | undefined
}

/** Who holds a capability. */
export type JudgedCaller = Pick<Identified, 'caller' | 'token'>

export interface Judging {
  /** Whether any that is whole will do, whatever it allows; it then has no role. */
  readonly isAnyTaken?: boolean
}

/** What knows capabilities. */
export interface CapabilityCallers {
  /** Who holds it; undefined for a text that is no capability, a message for one that is good for nothing here. */
  judge(text: string, asked?: Judging): JudgedCaller | { readonly problem: string } | undefined
}

export interface KnownCallers {
  readonly tokens: StaticTokens
  /** None are taken if missing. */
  readonly capabilities?: CapabilityCallers | undefined
  readonly writeMode: WriteMode
  /** Whether reading needs a token, too. */
  readonly isPrivate: boolean
}

/** What callers without a token may do. */
export const anonymousRole = ({
  writeMode,
  isPrivate
}: Pick<KnownCallers, 'writeMode' | 'isPrivate'>): Role =>
  isPrivate ? 'none' : writeMode === 'open' ? 'write' : 'read'

/** Who asks. A token that is not good is refused, also where none is needed: its holder would not notice that it is not. */
export function identify(
  presented: Presented,
  known: KnownCallers,
  judging: Judging = {}
): Identified | AccessRefusal {
  if ('problem' in presented) return badToken(presented.problem)
  const { token: text } = presented
  if (text === undefined) {
    const caller = { role: anonymousRole(known), name: ANONYMOUS, isModerator: false }
    return { caller, isKnown: false, isGuessable: false, token: undefined }
  }
  const found = known.tokens.find(text)
  if (found !== undefined) {
    const { name, role, bytes } = found
    const caller = { role, name, isModerator: role === 'admin' }
    return { caller, isKnown: true, isGuessable: bytes < HARDENED_TOKEN_BYTES, token: undefined }
  }
  const judged = known.capabilities?.judge(text, judging)
  if (judged === undefined) return badToken('the token is not known here')
  return 'problem' in judged ? badToken(judged.problem) : { ...judged, isKnown: true, isGuessable: false }
}

/** Why somebody may not do what needs `needed`; undefined where it may. */
export function roleRefusal(
  { caller, isKnown }: Pick<Identified, 'caller' | 'isKnown'>,
  needed: Role
): AccessRefusal | undefined {
  if (includesRole(caller.role, needed)) return undefined
  if (!isKnown)
    return unauthorized(`this needs a token of the role ${needed}: send Authorization: Bearer TOKEN`, REALM)
  return {
    code: 'forbidden',
    message: `this needs the role ${needed}; the token has ${caller.role}`,
    headers: { 'www-authenticate': `${REALM}, error="insufficient_scope", scope="${needed}"` }
  }
}

const REALM = 'Bearer realm="ams"'

/** Of what needs a token whatever callers without one may do. */
export const TOKEN_NEEDED: AccessRefusal = {
  code: 'unauthorized',
  message: 'this needs a token from another machine: send Authorization: Bearer TOKEN',
  headers: { 'www-authenticate': REALM }
}

const badToken = (message: string): AccessRefusal => unauthorized(message, `${REALM}, error="invalid_token"`)

const unauthorized = (message: string, challenge: string): AccessRefusal => ({
  code: 'unauthorized',
  message,
  headers: { 'www-authenticate': challenge }
})
