import type { Macaroon, RawCaveat, Token } from '../protocols/index.ts'
import { printable } from './terminal.ts'

/** A restriction as it stands in a token. */
export interface WrittenCaveat {
  readonly text: string
  /** Its key; undefined for a third party's. */
  readonly key?: string
}

/** Every restriction of a token in its order, those of its discharges last. */
export const writtenCaveats = ({ macaroon, discharges }: Token): readonly WrittenCaveat[] =>
  [macaroon, ...discharges].flatMap(({ caveats }: Macaroon) => caveats.map(written))

function written({ identifier, vid, location }: RawCaveat): WrittenCaveat {
  const text = printable(Buffer.from(identifier).toString('latin1'))
  if (vid === undefined) return { text, key: text.split(' ', 1)[0] ?? text }
  return { text: `what ${location === undefined ? 'a third party' : printable(location)} says of: ${text}` }
}
