import { asCalled } from './self.ts'

/** A refusal, as an error answer says it. */
export interface RefusalSaid {
  readonly code?: unknown
  readonly reason?: unknown
}

const ANOTHER = 'ask the operator of the node for another'
const INSPECT = 'see: omnigate cap inspect'

/** What to do about a capability that is refused, by the code of the refusal. */
const BY_CODE: Readonly<Record<string, string>> = {
  cap_missing:
    'set RON_CAP to one, which the operator of the node makes with: omnigate cap mint --data DIR --verb VERB --peer PEER_ID; omnigate whoami prints the peer id',
  cap_foreign:
    'the token in RON_CAP is not of this hub; check that it belongs to the address, and that it was copied whole',
  cap_expired: ANOTHER,
  cap_revoked: `it does not come back; ${ANOTHER}`,
  cap_denied: `${ANOTHER}, or ${INSPECT}`
}

/** The same for the restriction that refused it. */
const BY_CAVEAT: Readonly<Record<string, string>> = {
  peer: `the token is not for the key of this client; name the right one with --key or OMNIGATE_CLIENT_KEY, ${INSPECT}`,
  verb: `the token is for other verbs; ${ANOTHER}, or ${INSPECT}`,
  share: `the two hubs have no share for what the token is for; their operators agree on one, see: omnigate treaty show; or ${INSPECT}`,
  'not-before': `the token is not good yet; check the clock of this machine, or ${INSPECT}`,
  'max-bytes': `the token has not so many bytes left; ${ANOTHER}`,
  discharge: `the token needs the word of a third party with it; ${INSPECT}`
}

/** The same for what ends a token that was given out for a right of another hub. */
const BY_FALL: Readonly<Record<string, string>> = {
  head: 'its hub has not been heard for a minute; try again when the two hubs are linked, see: omnigate federation status',
  treaty:
    'the hubs have agreed on something else; exchange your capability again, see: omnigate cap exchange',
  origin: 'exchange your capability again, see: omnigate cap exchange'
}

/** Which rule refused a call and what its caller can do; undefined for an error that is no matter of capabilities. */
export function refusalAdvice({ code, reason }: RefusalSaid): string | undefined {
  if (typeof code !== 'string' || !Object.hasOwn(BY_CODE, code)) return undefined
  const caveat = typeof reason === 'string' ? reason : undefined
  const rule = caveat === undefined ? '' : `refused by ${caveat}; `
  const finer = code === 'cap_denied' ? BY_CAVEAT : code === 'cap_revoked' ? BY_FALL : {}
  const isFiner = caveat !== undefined && Object.hasOwn(finer, caveat)
  return asCalled(`${rule}${isFiner ? finer[caveat] : BY_CODE[code]}`)
}
