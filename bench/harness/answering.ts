export interface Ask {
  readonly id: number
  readonly what: string
  readonly args: object
}

export interface Answer {
  readonly id: number
  readonly value?: unknown
  readonly error?: string
}

export type Answers = Readonly<Record<string, (args: never) => unknown>>

/** Answers the parent's questions from a table, and ends with the parent: `close` runs, then the process exits. */
export function answerParent(answers: Answers, close: () => unknown = () => {}): void {
  process.on('message', (ask: Ask) => void answerOne(answers, ask))
  process.once('disconnect', () => void end(close))
  process.once('SIGINT', () => {}) // Ctrl-C reaches the whole group; the parent ends its children itself
}

async function answerOne(answers: Answers, { id, what, args }: Ask): Promise<void> {
  try {
    const answer = answers[what]
    if (answer === undefined) throw new Error(`no answer for ${what}`)
    send({ id, value: await answer(args as never) })
  } catch (error) {
    send({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
  }
}

function send(answer: Answer): void {
  if (process.connected) process.send?.(answer)
}

async function end(close: () => unknown): Promise<void> {
  setTimeout(() => process.exit(1), 3000).unref()
  await close()
  process.exit(0)
}
