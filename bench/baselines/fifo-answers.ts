type Answered = (error?: Error) => void

/** Requests of one size on one byte stream, answered in order: counts answer bytes and settles the oldest request. */
export class FifoAnswers {
  readonly #messageBytes: number
  readonly #open: Answered[] = []
  #first = 0
  #surplus = 0

  constructor(messageBytes: number) {
    this.#messageBytes = messageBytes
  }

  opened(answered: Answered): void {
    this.#open.push(answered)
  }

  received(bytes: number): void {
    this.#surplus += bytes
    while (this.#surplus >= this.#messageBytes) {
      this.#surplus -= this.#messageBytes
      this.#next()?.()
    }
  }

  failed(error: Error): void {
    for (let answered = this.#next(); answered !== undefined; answered = this.#next()) answered(error)
  }

  #next(): Answered | undefined {
    const answered = this.#open[this.#first++]
    if (this.#first > 1024 || answered === undefined) {
      this.#open.splice(0, this.#first)
      this.#first = 0
    }
    return answered
  }
}
