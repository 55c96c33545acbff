// The npm package macaroon, asked by lines of JSON: see ../oracle.ts.
import { createInterface } from 'node:readline'
import macaroons from 'macaroon'

// Version 3.0.4 asks its buffer for a `_capacity` that it never sets: the buffer doubles with every field, and the
// process is out of memory after seven caveats. With this it writes as it was meant to.
Object.defineProperty(Object.prototype, '_capacity', {
  get() {
    return this._buf?.length
  }
})

const bytes = hex => new Uint8Array(Buffer.from(hex, 'hex'))
const hex = macaroon => Buffer.from(macaroon.exportBinary()).toString('hex')

const narrowed = (macaroon, { caveats = [], party }) => {
  for (const caveat of caveats) macaroon.addFirstPartyCaveat(caveat)
  if (party) macaroon.addThirdPartyCaveat(bytes(party.key), bytes(party.identifier), party.location)
  return macaroon
}

const answers = {
  mint: ({ key, identifier, location, ...more }) =>
    hex(
      narrowed(
        macaroons.newMacaroon({ rootKey: bytes(key), identifier: bytes(identifier), location, version: 2 }),
        more
      )
    ),
  narrow: ({ macaroon, ...more }) => hex(narrowed(macaroons.importMacaroon(bytes(macaroon)), more)),
  bind: ({ macaroon, discharge }) => {
    const bound = macaroons.importMacaroon(bytes(discharge))
    bound.bindToRoot(macaroons.importMacaroon(bytes(macaroon)).signature)
    return hex(bound)
  },
  verify: ({ key, macaroon, discharges }) => {
    const seen = []
    try {
      macaroons.importMacaroon(bytes(macaroon)).verify(
        bytes(key),
        caveat => {
          seen.push(caveat)
          return null
        },
        discharges.map(each => macaroons.importMacaroon(bytes(each)))
      )
      return seen
    } catch {
      return null
    }
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const { ask, ...question } = JSON.parse(line)
  process.stdout.write(`${JSON.stringify(answers[ask](question))}\n`)
}
