import * as chai from 'chai'
import chaiAsPromised from 'chai-as-promised'

// What `interface-blockstore-tests` asks of the test harness of its authors: chai, promises, and `.true()` beside `.true`.
/** @type {Readonly<Record<string, (value: unknown) => boolean>>} */
const CALLED = {
  ok: value => Boolean(value),
  true: value => value === true,
  false: value => value === false
}

chai.use(chaiAsPromised)
chai.use(({ Assertion }) => {
  for (const [name, isSo] of Object.entries(CALLED))
    Object.defineProperty(Assertion.prototype, name, {
      value() {
        this.assert(
          isSo(this._obj),
          `expected #{this} to be ${name}`,
          `expected #{this} not to be ${name}`,
          name
        )
      }
    })
})

export const { expect } = chai
