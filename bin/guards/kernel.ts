import { stringsIn, withoutComments } from './source.ts'

/** What code that only knows frames may not know. */
export interface Applications {
  /** Names of services, their operations and verbs. */
  readonly names: ReadonlySet<string>
  /** Registered ids, without control's 0. */
  readonly ids: readonly number[]
}

const NUMBER = String.raw`(0[xX][\da-fA-F_]+|\d[\d_]*)\b`
const APP = String.raw`\bapp(?:Id|ProtoId|_proto_id)?\b`
const APP_IS_NUMBER = new RegExp(`${APP}\\s*(?:[=!]==?|[<>]=?|[:=])\\s*${NUMBER}`, 'g')
const NUMBER_IS_APP = new RegExp(`(?<![\\w.])${NUMBER}\\s*(?:[=!]==?|[<>]=?)\\s*[\\w.#?]*${APP}`, 'g')
const SWITCH_ON_APP = /\bswitch\s*\([^)\n]*\bapp(?:Id|ProtoId)?\s*\)/g
const HEX = /(?<![\w.])0[xX][\da-fA-F_]+\b/g

/** What a file of the frame or session code says about applications, one line each; none is right. */
export function applicationKnowledge(source: string, { names, ids }: Applications): string[] {
  const code = withoutComments(source)
  return [
    ...[...code.matchAll(APP_IS_NUMBER), ...code.matchAll(NUMBER_IS_APP)]
      .filter(([found, number = '']) => !isBound(found, Number(number.replaceAll('_', ''))))
      .map(([found]) => `an app_proto_id: ${found}`),
    ...[...code.matchAll(SWITCH_ON_APP)].map(([found]) => `a branch for each app_proto_id: ${found}`),
    ...(code.match(HEX) ?? []).filter(hex => isId(hex, ids)).map(hex => `a registered id: ${hex}`),
    ...stringsIn(source)
      .filter(text => names.has(text))
      .map(text => `a service, operation or verb: '${text}'`),
    ...[...code.matchAll(/from '([^']*services\/[^']*)'/g)].map(
      ([, path]) => `an import of a service: ${path}`
    )
  ]
}

// What every u16 satisfies, and control's 0.
const isBound = (found: string, number: number): boolean =>
  number === 0 || (/[<>]/.test(found) && (number === 1 || number === 0xffff))

// Written with four digits it is an id; 0x01 is a flag.
const isId = (hex: string, ids: readonly number[]): boolean =>
  ids.includes(Number(hex.replaceAll('_', ''))) && hex.replaceAll('_', '').length >= 5
