import { Child } from '../harness/child.ts'
import { type Row, loadMs } from '../harness/row.ts'
import { median, rounded, spread } from '../harness/statistics.ts'
import { type Figures, atLeast, atMost } from '../harness/verdict.ts'

const ENTRIES = 1_000_000
const SMOKE_ENTRIES = 2000
const GROW_MS = 300_000

/** Entries a second. */
interface Round {
  readonly ours: number
  readonly raw: number
}

interface ProofTimes {
  readonly p50: number
  readonly p99: number
}

export const p6: Row = {
  id: 'P6',
  summary: 'durable audit appends with a checkpoint each second, and inclusion proofs of a long log',
  async run(options) {
    await using child = Child.start('audit', new URL('../ours/audit-child.ts', import.meta.url), [])
    const forMs = loadMs(options)
    const round = () => child.ask<Round>('round', { args: { forMs } })
    await round()
    const rounds: Round[] = []
    for (let n = 0; n < options.rounds; n++) {
      const done = await round()
      rounds.push(done)
      options.say(
        `round ${n + 1}/${options.rounds}: ours ${rounded(done.ours)}, append + fdatasync ${rounded(done.raw)} entries/s`
      )
    }
    const entries = options.smoke ? SMOKE_ENTRIES : ENTRIES
    options.say(`grows a log to ${entries} entries`)
    const proofs = await child.ask<ProofTimes>('proofs', { args: { entries }, withinMs: GROW_MS })
    return figuresOf(rounds, proofs)
  }
}

function figuresOf(rounds: readonly Round[], proofs: ProofTimes): Figures {
  const [ours, raw] = [rounds.map(round => round.ours), rounds.map(round => round.raw)]
  const ratios = rounds.map(round => round.ours / round.raw)
  return {
    what: 'durable audit entries a second, 64 in flight, with a checkpoint each second; limit: batches of 64 such lines appended with fdatasync',
    ours: rounded(median(ours)),
    others: {},
    limit: rounded(median(raw)),
    checks: [
      atLeast('ours / append + fdatasync', 0.3, median(ratios)),
      atLeast('entries a second', 10_000, median(ours)),
      atMost('inclusion proof p99, ms', 5, proofs.p99)
    ],
    spread: { ours: rounded(spread(ours)), limit: rounded(spread(raw)), ratio: rounded(spread(ratios)) },
    notes: { 'inclusion p50 ms': rounded(proofs.p50), 'inclusion p99 ms': rounded(proofs.p99) }
  }
}
