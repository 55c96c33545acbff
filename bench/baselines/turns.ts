const MAX_TURNS = 5

/** Runs `work` after 0 to 5 turns of the event loop, at random. */
export function afterSomeTurns(work: () => void): void {
  const wait = (turns: number) => (turns === 0 ? work() : void setImmediate(wait, turns - 1))
  wait(Math.floor(Math.random() * (MAX_TURNS + 1)))
}
