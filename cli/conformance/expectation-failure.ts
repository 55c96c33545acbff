/** What should have come, and what came instead. */
export class ExpectationFailure extends Error {
  readonly expected: string
  readonly received: string

  constructor(expected: string, received: string) {
    super(`expected ${expected}, received ${received}`)
    this.name = 'ExpectationFailure'
    this.expected = expected
    this.received = received
  }
}
