import { CAVEAT_OPTIONS, askedCaveats } from '../caveat-options.ts'
import type { CommandBody } from '../command.ts'
import { CommandError } from '../command-error.ts'
import { EXIT } from '../exit-codes.ts'
import { dateText, momentS } from '../moment.ts'
import { narrowing } from '../narrowing.ts'
import { TOKEN_ARGUMENT, givenToken } from '../token-input.ts'

export const capAttenuate: CommandBody = {
  details:
    'Prints a token with further restrictions; nobody can take them off again. What stands in it already holds on, ' +
    'so a wider verb or a longer life has no effect. Give the narrower one on, and keep the wider.',
  arguments: [TOKEN_ARGUMENT],
  options: [
    ...CAVEAT_OPTIONS,
    {
      name: 'expires',
      value: 'T',
      summary: 'until when it is good: 2030-01-31T12:00Z, or as --ttl',
      completes: 'nothing'
    }
  ],
  examples: [
    {
      line: 'omnigate cap attenuate --ttl 5m --read-only',
      says: 'the token in RON_CAP, for five minutes and for reading'
    },
    {
      line: 'omnigate cap attenuate token --peer 12D3Koo... > theirs',
      says: 'a token that only this peer can use'
    }
  ],
  exits: ['badInput', 'noInput', 'permission'],
  async run(invocation) {
    const { attenuate, decodeToken, encodeToken, inspectToken } = await import('../../protocols/index.ts')
    const { nodeMacaroonCrypto } = await import('../../node/index.ts')
    const { bytes, from } = await givenToken(invocation)
    const { macaroon, discharges } = decodeToken(bytes)
    if (discharges.length > 0)
      throw new CommandError(
        EXIT.badInput,
        `${from}: has discharges bound to it, so nothing can be added; narrow the token without them`
      )
    const nowS = Math.floor(Date.now() / 1000)
    const expires = invocation.option('expires')
    const caveats = await narrowing(askedCaveats(invocation, nowS), {
      nowS,
      expires: expires === undefined ? undefined : momentS('expires', expires, nowS)
    })
    const narrowed = encodeToken({
      macaroon: attenuate(nodeMacaroonCrypto, macaroon, caveats),
      discharges: []
    })
    const token = Buffer.from(narrowed).toString('base64url')
    const { capId, limits } = inspectToken(narrowed)
    invocation.show({ token, cap_id: capId, expires: limits.expires }, () => token)
    if (!invocation.isJson)
      invocation.terminal.note(`capability ${capId}, narrowed, good until ${dateText(limits.expires)}`)
    return EXIT.ok
  }
}
