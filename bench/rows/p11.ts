import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { builtProgram } from '../harness/built-package.ts'
import { Child } from '../harness/child.ts'
import { whileWatched } from '../harness/peak-rss.ts'
import { rssBytesOf } from '../harness/process-files.ts'
import { interleaved } from '../harness/rounds.ts'
import type { Row, RunOptions } from '../harness/row.ts'
import { median, rounded, spread } from '../harness/statistics.ts'
import { atMost, type Figures } from '../harness/verdict.ts'
import { BlobWorker } from '../ours/blob-worker.ts'
import { BuiltNode } from '../ours/built-node.ts'
import { MailboxWorker } from '../ours/mailbox-worker.ts'

const MB = 1e6
const KB = 1e3
const IDLE_MS = 15_000
const DIALERS = 4
const WARM_CONNECTIONS = 200
const CONNECTIONS = 600
const BATCH = 100
const QUEUED = 1_000_000
const SMOKE_QUEUED = 2000
const BLOB_BYTES = 10e9
const SMOKE_BLOB_BYTES = 4e6

type Encryption = 'noise' | 'tls'
type Case = 'bare' | 'idle' | 'queued' | Encryption
type Samples = ReadonlyMap<Case, readonly number[]>

const CASES: readonly Case[] = ['bare', 'idle', 'noise', 'tls', 'queued']

export const p11: Row = {
  id: 'P11',
  summary:
    'resident memory of the built package: idle, for each connection, for a million queued messages, and with 10 GB of blobs',
  async run(options) {
    const program = await builtProgram(options)
    const samples = await interleaved(CASES, options.rounds, async (work, round) => {
      const bytes = await measured(work, program, options)
      options.say(`round ${round + 1}/${options.rounds} ${work}: ${rounded(bytes / MB, 4)} MB`)
      return bytes
    })
    const large = await memoryOfLarge(program, options)
    return figuresOf(samples, large)
  }
}

async function measured(work: Case, program: string, options: RunOptions): Promise<number> {
  if (work === 'bare') return bareRss(options)
  const folder = await mkdtemp(join(tmpdir(), 'omnigate-bench-'))
  try {
    await using node = await BuiltNode.start(program, folder, { collects: work !== 'idle' })
    if (work === 'idle') return await idleRss(node, options)
    return work === 'queued' ? await rssOfQueued(node, options) : await rssOfConnection(node, work, options)
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function bareRss({ smoke }: RunOptions): Promise<number> {
  await using node = Child.start('bare node', new URL('../baselines/bare-node.mjs', import.meta.url), [])
  await node.ask('ready')
  if (!smoke) await sleep(1000)
  return rssBytesOf(node.pid)
}

/** Nothing is forced here: what the operator sees after a while without peers. */
async function idleRss(node: BuiltNode, { smoke }: RunOptions): Promise<number> {
  await sleep(smoke ? 200 : IDLE_MS)
  return node.rssBytes()
}

/** The first connections fit into what the start left behind, so the difference begins after them. */
async function rssOfConnection(
  node: BuiltNode,
  encryption: Encryption,
  { smoke }: RunOptions
): Promise<number> {
  const connections = smoke ? 2 * DIALERS : CONNECTIONS
  await using dialers = new Dialers(node.address, encryption)
  await openInBatches(node, dialers, smoke ? DIALERS : WARM_CONNECTIONS)
  const before = await node.settledRssBytes()
  await openInBatches(node, dialers, connections)
  const after = await node.settledRssBytes()
  return (after - before) / connections
}

/** What messages add that nobody receives; the sender was there before. */
async function rssOfQueued(node: BuiltNode, { smoke }: RunOptions): Promise<number> {
  await using worker = await MailboxWorker.start(node)
  const before = await node.settledRssBytes()
  await worker.fill('bench/queued', smoke ? SMOKE_QUEUED : QUEUED)
  if (!smoke) await sleep(IDLE_MS)
  const after = await node.settledRssBytes()
  return after - before
}

/** What a node with one large blob takes: at most over its first memory, garbage included, and over a start without it. */
interface Large {
  readonly putBytes: number
  readonly getBytes: number
  readonly againBytes: number
}

/** Once a run: the most that is seen counts, not a median. */
async function memoryOfLarge(program: string, { smoke, say }: RunOptions): Promise<Large> {
  const bytes = smoke ? SMOKE_BLOB_BYTES : BLOB_BYTES
  const folder = await mkdtemp(join(tmpdir(), 'omnigate-bench-'))
  try {
    const grown = await workedOnLarge(program, folder, bytes)
    await using again = await BuiltNode.start(program, folder)
    await sleep(smoke ? 200 : IDLE_MS)
    const large = { ...grown, againBytes: again.rssBytes() }
    const mb = (value: number) => `${rounded(value / MB)} MB`
    say(
      `10 GB: put +${mb(large.putBytes)}, get +${mb(large.getBytes)}, started again ${mb(large.againBytes)}`
    )
    return large
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function workedOnLarge(program: string, folder: string, bytes: number) {
  await using node = await BuiltNode.start(program, folder, { collects: true })
  await using worker = await BlobWorker.start(node)
  await worker.get(await worker.put(SMOKE_BLOB_BYTES))
  await node.settledRssBytes()
  const { result: cid, grownBytes: putBytes } = await whileWatched(node.pid, () => worker.put(bytes))
  await node.settledRssBytes()
  const { result: came, grownBytes: getBytes } = await whileWatched(node.pid, () => worker.get(cid))
  if (came !== bytes) throw new Error(`${came} bytes came instead of ${bytes}`)
  return { putBytes, getBytes }
}

/** V8 keeps what a burst of handshakes made it allocate, so each batch's garbage goes before the next. */
async function openInBatches(node: BuiltNode, dialers: Dialers, connections: number): Promise<void> {
  for (let left = connections; left > 0; left -= BATCH) {
    await dialers.open(Math.min(BATCH, left))
    await node.collect()
  }
}

class Dialers implements AsyncDisposable {
  readonly #children: readonly Child[]

  constructor(address: string, encryption: Encryption) {
    const script = new URL('../ours/dialer-child.ts', import.meta.url)
    this.#children = Array.from({ length: DIALERS }, (_, i) =>
      Child.start(`dialer ${i}`, script, [address, encryption])
    )
  }

  async open(connections: number): Promise<void> {
    const args = { connections: connections / DIALERS }
    await Promise.all(this.#children.map(child => child.ask('open', { args, withinMs: 120_000 })))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#children.map(child => child.stop()))
  }
}

function figuresOf(samples: Samples, large: Large): Figures {
  const of = (work: Case) => median(samples.get(work)!)
  return {
    what: 'resident memory of the built package when idle: MB; limit: a Node process that does nothing',
    ours: rounded(of('idle') / MB),
    others: {},
    limit: rounded(of('bare') / MB),
    checks: [
      atMost('idle, MB', 160, of('idle') / MB),
      atMost('a noise connection, KB', 120, of('noise') / KB),
      atMost('a TLS connection, KB', 400, of('tls') / KB),
      atMost('1,000,000 queued messages, MB', 100, of('queued') / MB),
      atMost('a PUT of 10 GB adds, at most, MB', 64, large.putBytes / MB),
      atMost('a GET of 10 GB adds, at most, MB', 64, large.getBytes / MB),
      atMost('idle with 10 GB of blobs, MB', 160, large.againBytes / MB)
    ],
    spread: Object.fromEntries([...samples].map(([work, list]) => [work, rounded(spread(list))])),
    notes: {}
  }
}
