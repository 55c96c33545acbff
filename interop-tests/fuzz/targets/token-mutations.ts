import { decodeToken, encodeToken } from 'omnigate/protocols'
import type { Macaroon, RawCaveat, Token } from 'omnigate/protocols'
import type { Mutation, Surroundings } from '../engine/mutate.ts'
import { attempt } from './oap-errors.ts'

const VID_BYTES = 72
const SIGNATURE_BYTES = 32

type Change = (token: Token, around: Surroundings) => Token

/** Changes a token as a whole, and leaves what is none as it is. What has grown beyond the bounds stays as it was. */
const over =
  (change: Change): Mutation =>
  (bytes, around) => {
    const read = attempt(() => decodeToken(bytes))
    if ('refused' in read) return bytes
    const made = attempt(() => encodeToken(change(read.value, around)))
    return 'value' in made ? made.value : bytes
  }

const withCaveats = (macaroon: Macaroon, change: (caveats: RawCaveat[]) => RawCaveat[]): Macaroon => ({
  ...macaroon,
  caveats: change([...macaroon.caveats])
})

/** Changes one of the macaroons of a token. */
const inOne =
  (change: (macaroon: Macaroon, around: Surroundings) => Macaroon): Change =>
  ({ macaroon, discharges }, around) => {
    const at = around.random.below(1 + discharges.length)
    if (at === 0) return { macaroon: change(macaroon, around), discharges }
    return { macaroon, discharges: discharges.map((each, n) => (n === at - 1 ? change(each, around) : each)) }
  }

const addCaveat = inOne((macaroon, { random, dictionary }) =>
  withCaveats(macaroon, caveats =>
    caveats.toSpliced(random.below(caveats.length + 1), 0, { identifier: random.pick(dictionary) })
  )
)

const dropCaveat = inOne((macaroon, { random }) =>
  withCaveats(macaroon, caveats => caveats.toSpliced(random.below(caveats.length + 1), 1))
)

/** A third-party caveat, whose discharge has a fair chance to be there. */
const askThirdParty = inOne((macaroon, { random }) =>
  withCaveats(macaroon, caveats =>
    caveats.toSpliced(random.below(caveats.length + 1), 0, {
      identifier: Uint8Array.of(0x61 + random.below(3)),
      vid: new Uint8Array(VID_BYTES).fill(random.below(256))
    })
  )
)

const addDischarge: Change = ({ macaroon, discharges }, { random }) => {
  const made = {
    identifier: Uint8Array.of(0x61 + random.below(3)),
    caveats: [],
    signature: new Uint8Array(SIGNATURE_BYTES)
  }
  return { macaroon, discharges: discharges.toSpliced(random.below(discharges.length + 1), 0, made) }
}

const dropDischarge: Change = ({ macaroon, discharges }, { random }) => ({
  macaroon,
  discharges: discharges.toSpliced(random.below(discharges.length + 1), 1)
})

/** Mutations that keep a token a token. */
export const TOKEN_MUTATIONS: readonly Mutation[] = [
  addCaveat,
  dropCaveat,
  askThirdParty,
  addDischarge,
  dropDischarge
].map(over)
