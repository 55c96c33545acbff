import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { builtProgram } from '../harness/built-package.ts'
import { interleaved } from '../harness/rounds.ts'
import type { Row, RunOptions } from '../harness/row.ts'
import { median, rounded, spread } from '../harness/statistics.ts'
import { atMost, type Figures } from '../harness/verdict.ts'
import { BuiltNode } from '../ours/built-node.ts'
import { MailboxWorker } from '../ours/mailbox-worker.ts'

const STORED = 1_000_000
const SMOKE_STORED = 2000
const MOST_TIMES_EMPTY = 1.5
/** What is under way when a node is killed. */
const LOAD_MS = 1000
const TOPIC = 'bench/stored'
const UNDER_WAY = 'bench/under-way'

type Case = 'empty' | 'stored' | 'killed'

const CASES: readonly Case[] = ['empty', 'stored', 'killed']

/** Milliseconds of each start. */
type Samples = ReadonlyMap<Case, readonly number[]>

export const p12: Row = {
  id: 'P12',
  summary: 'start of the built package with a million stored messages, also after kill -9 under load',
  async run(options) {
    const program = await builtProgram(options)
    const folder = await mkdtemp(join(tmpdir(), 'omnigate-bench-'))
    try {
      const folders = {
        empty: await mkdtemp(join(folder, 'empty-')),
        full: await mkdtemp(join(folder, 'full-'))
      }
      await fill(program, folders, options)
      const samples = await interleaved(CASES, options.rounds, async (work, round) => {
        const ms = await started(work, program, folders)
        options.say(`round ${round + 1}/${options.rounds} ${work}: serves after ${Math.round(ms)} ms`)
        return ms
      })
      return figuresOf(samples)
    } finally {
      await rm(folder, { recursive: true })
    }
  }
}

interface Folders {
  readonly empty: string
  readonly full: string
}

/** Each has been started before, so that nothing has to be made any more. */
async function fill(program: string, { empty, full }: Folders, { smoke, say }: RunOptions): Promise<void> {
  await using _ = await BuiltNode.start(program, empty)
  await using node = await BuiltNode.start(program, full)
  await using worker = await MailboxWorker.start(node)
  const messages = smoke ? SMOKE_STORED : STORED
  await worker.fill(TOPIC, messages)
  say(`${messages} messages stored`)
}

/** How long until the node serves. */
async function started(work: Case, program: string, { empty, full }: Folders): Promise<number> {
  if (work === 'killed') await killUnderLoad(program, full)
  await using node = await BuiltNode.start(program, work === 'empty' ? empty : full)
  return node.startMs
}

/** In a topic of its own, whose messages stay, so that the folder holds some more after each. */
async function killUnderLoad(program: string, folder: string): Promise<void> {
  await using node = await BuiltNode.start(program, folder)
  await using worker = await MailboxWorker.start(node)
  await worker.load(UNDER_WAY)
  await sleep(LOAD_MS)
  await node.kill()
}

function figuresOf(samples: Samples): Figures {
  const of = (work: Case) => median(samples.get(work)!)
  return {
    what: 'start with 1,000,000 stored messages, after a clean stop: ms until the node serves; limit: an empty start',
    ours: rounded(of('stored')),
    others: {},
    limit: rounded(of('empty')),
    checks: [
      atMost('stored / empty', MOST_TIMES_EMPTY, of('stored') / of('empty')),
      atMost('after kill -9 / empty', MOST_TIMES_EMPTY, of('killed') / of('empty'))
    ],
    spread: Object.fromEntries([...samples].map(([work, list]) => [work, rounded(spread(list))])),
    notes: { 'after kill -9, ms': rounded(of('killed')) }
  }
}
