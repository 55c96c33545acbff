import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AppendSync, type Turn } from '../baselines/append-sync.ts'
import { answerParent } from '../harness/answering.ts'
import { Appender, lineBytes, newLog, proofTimes } from './audit-appends.ts'

const IN_FLIGHT = 64
// A disk that others use changes its pace from one second to the next, so both take short turns.
const TURN_MS = 250

const folder = await mkdtemp(join(tmpdir(), 'omnigate-bench-'))
const log = await newLog(folder)
const ours = new Appender(log, IN_FLIGHT)
const raw = await AppendSync.create(join(folder, 'raw'), await lineBytes(log), IN_FLIGHT)

/** Lines a second of both, each for about `forMs`. */
async function round(forMs: number): Promise<Readonly<Record<'ours' | 'raw', number>>> {
  const turns = { ours: [] as Turn[], raw: [] as Turn[] }
  for (let spent = 0; spent < forMs; spent += TURN_MS) {
    turns.ours.push(await ours.turn(TURN_MS))
    turns.raw.push(await raw.turn(TURN_MS))
  }
  return { ours: rateOf(turns.ours), raw: rateOf(turns.raw) }
}

function rateOf(turns: readonly Turn[]): number {
  const sum = (pick: (turn: Turn) => number) => turns.reduce((total, turn) => total + pick(turn), 0)
  return (1000 * sum(turn => turn.lines)) / sum(turn => turn.ms)
}

answerParent(
  {
    round: ({ forMs }: { forMs: number }) => round(forMs),
    proofs: ({ entries }: { entries: number }) => proofTimes(log, entries)
  },
  async () => {
    await raw.close()
    await log.close()
    await rm(folder, { recursive: true })
  }
)
