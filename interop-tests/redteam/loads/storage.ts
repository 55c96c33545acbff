import { mkdtemp, rm } from 'node:fs/promises'
import { setPriority, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { storageService } from 'omnigate/protocols'
import { Attacker } from '../attacker.ts'
import { warmUp } from '../honest.ts'
import { CALL, OPEN, rawFrame, request } from '../raw-frame.ts'
import type { RawStream } from '../raw-stream.ts'
import { printTable } from '../table.ts'
import { KNOWN_NETWORK } from '../target-messages.ts'
import { Target } from '../target.ts'
import type { FastBlob } from './fast-blob-process.ts'
import { HelperProcess } from './helper-process.ts'
import { mostOver } from './most-over.ts'

const MB = 1e6
const MIB = 1_048_576
const MEMORY_MOST = 64 * MIB
const SHARE_LEAST = 0.8
/** In short, what else the machine does weighs more. */
const SHARE_LEAST_IN_SHORT = 0.4
const ROUNDS = 3
const MANY = 100
/** 80 KB/s each, a thousandth of what a fast reader takes. */
const SLOW_BYTES = 4096
const SLOW_EVERY_MS = 50
/** What is slow runs in this process: it gets the processor time that the node and the fast reader leave. */
const LOWEST_PRIORITY = 19
const AMPLE = 1_000_000_000
const { app } = storageService

interface Outcome {
  readonly name: string
  readonly figures: string
  readonly deltaBytes: number
  readonly passes: boolean
}

interface Load {
  readonly target: Target
  readonly fast: HelperProcess
  readonly idle: number
  readonly bytes: number
  readonly slowMs: number
  readonly shareLeast: number
}

/** A blob of 1 GiB put and read, fast and slowly, by one and by a hundred: what the node keeps for that, and what a fast reader still gets. */
export async function storage(full: boolean): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'omnigate-redteam-'))
  try {
    await using target = await Target.start({
      data: join(folder, 'data'),
      'http.enabled': false,
      'strangers.loopbackIsKnown': true,
      'quotas.tenantCallsPerSecond': AMPLE,
      'quotas.tenantBurst': AMPLE,
      'quotas.tenantBytesPerSecond': 2 ** 40
    })
    await using fast = new HelperProcess(new URL('./fast-blob-process.ts', import.meta.url), [target.address])
    await warmUp(target.address, `${KNOWN_NETWORK}2`)
    const first = await fast.ask<string>('put', { bytes: 4 * MIB })
    await fast.ask<FastBlob>('read', { cid: first, length: 4 * MIB })
    const idle = await target.settledBytes()
    setPriority(LOWEST_PRIORITY)
    const bytes = (full ? 1024 : 128) * MIB
    const shareLeast = full ? SHARE_LEAST : SHARE_LEAST_IN_SHORT
    return await judged({ target, fast, idle, bytes, slowMs: full ? 30_000 : 3000, shareLeast })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function judged(load: Load): Promise<boolean> {
  const { target } = load
  const [cid, put] = await fastWriter(load)
  const outcomes = [
    put,
    await slowReaders('one slow reader', load, cid, 1),
    await slowWriters('one slow writer', load, 1),
    await slowWriters(`${MANY} slow writers`, load, MANY),
    await slowBesideFast(load, cid)
  ]
  printTable(
    ['case', 'figures', 'RSS MB', 'pass'],
    outcomes.map(({ name, figures, deltaBytes, passes }) => [
      name,
      figures,
      `+${(deltaBytes / MB).toFixed(1)}`,
      passes ? 'yes' : 'NO'
    ])
  )
  const faults = target.takeFaults()
  for (const fault of faults) console.log(fault)
  return faults.length === 0 && outcomes.every(({ passes }) => passes)
}

async function fastWriter({ target, fast, idle, bytes }: Load): Promise<[string, Outcome]> {
  const since = performance.now()
  const [deltaBytes, cid] = await mostOver(target, idle, () => fast.ask<string>('put', { bytes }))
  const rate = bytes / 1e3 / (performance.now() - since)
  const figures = `${bytes / MIB} MiB, ${rate.toFixed(0)} MB/s`
  return [cid, { name: 'a writer', figures, deltaBytes, passes: deltaBytes <= MEMORY_MOST }]
}

async function slowReaders(
  name: string,
  { target, idle, slowMs }: Load,
  cid: string,
  many: number
): Promise<Outcome> {
  const [deltaBytes, seen] = await mostOver(target, idle, async () => {
    await using slow = await reading(target, cid, many)
    await sleep(slowMs)
    return slow.seen()
  })
  const figures = `${(seen / MIB).toFixed(1)} MiB came in ${slowMs / 1000} s`
  return { name, figures, deltaBytes, passes: deltaBytes <= MEMORY_MOST && seen > 0 }
}

async function slowWriters(
  name: string,
  { target, fast, idle, slowMs }: Load,
  many: number
): Promise<Outcome> {
  const before = await fast.ask<number>('stored')
  const [deltaBytes, sent] = await mostOver(target, idle, () => writing(target, many, slowMs))
  // They left in the middle: nothing of it is there.
  const kept = (await fast.ask<number>('stored')) - before
  const figures = `${(sent / MIB).toFixed(1)} MiB went in ${slowMs / 1000} s, ${kept} blobs are kept`
  return { name, figures, deltaBytes, passes: deltaBytes <= MEMORY_MOST && kept === 0 && sent > 0 }
}

/** Puts that go on slowly and never end; yields how many bytes went. */
async function writing(target: Target, many: number, forMs: number): Promise<number> {
  await using attacker = await Attacker.create(target.address)
  const piece = rawFrame({ flags: 1, app, payload: new Uint8Array(SLOW_BYTES) })
  const streams: RawStream[] = []
  for (let i = 0; i < many; i++) {
    const stream = await attacker.stream(`127.32.0.${i + 1}`)
    stream.writeNow(request({ op: 'put' }, { app, flags: OPEN }))
    streams.push(stream)
  }
  let sent = 0
  const until = performance.now() + forMs
  while (performance.now() < until) {
    for (const stream of streams)
      if (stream.window >= piece.length && stream.writeNow(piece)) sent += SLOW_BYTES
    await sleep(SLOW_EVERY_MS)
  }
  const ended = streams.filter(({ ending }) => ending !== 'open').length
  if (ended > 0) throw new Error(`${ended} slow writers were thrown out`)
  return sent
}

async function slowBesideFast(
  { target, fast, idle, bytes, shareLeast }: Load,
  cid: string
): Promise<Outcome> {
  const length = bytes / 2
  const read = async (): Promise<number> =>
    (await fast.ask<FastBlob>('read', { cid, length })).megabytesPerSecond
  // The best of several rounds each, taken in turns, since the machine is not ours alone.
  let [alone, beside] = [0, 0]
  let [aloneBytes, deltaBytes] = [0, 0]
  for (let round = 0; round < ROUNDS; round++) {
    const [moreAlone, rate] = await mostOver(target, idle, read)
    const [moreBeside, rateBeside] = await mostOver(target, idle, async () => {
      await using slow = await reading(target, cid, MANY)
      const found = await read()
      slow.seen()
      return found
    })
    ;[alone, beside] = [Math.max(alone, rate), Math.max(beside, rateBeside)]
    aloneBytes = Math.max(aloneBytes, moreAlone)
    deltaBytes = Math.max(deltaBytes, moreAlone, moreBeside)
  }
  const share = beside / alone
  return {
    name: `${MANY} slow readers beside a fast one`,
    figures: `alone ${alone.toFixed(0)} MB/s (+${(aloneBytes / MB).toFixed(1)} MB), beside them ${beside.toFixed(0)} MB/s: ${(share * 100).toFixed(0)} %`,
    deltaBytes,
    passes: deltaBytes <= MEMORY_MOST && share >= shareLeast
  }
}

/** Readers of the whole blob on connections of their own, who take a little now and then. */
async function reading(
  target: Target,
  cid: string,
  many: number
): Promise<AsyncDisposable & { seen(): number }> {
  const attacker = await Attacker.create(target.address)
  const streams: RawStream[] = []
  for (let i = 0; i < many; i++) {
    const stream = await attacker.stream(`127.31.0.${i + 1}`)
    stream.isGreedy = false
    stream.keepsFrames = false
    stream.writeNow(request({ op: 'get', cid }, { app, flags: CALL }))
    streams.push(stream)
  }
  await sleep(500)
  const crediting = setInterval(() => streams.forEach(stream => stream.credit(SLOW_BYTES)), SLOW_EVERY_MS)
  return {
    /** Bytes that came to all. Throws where one was thrown out. */
    seen() {
      const ended = streams.filter(({ ending }) => ending !== 'open').length
      if (ended > 0) throw new Error(`${ended} slow readers were thrown out`)
      return streams.reduce((sum, { bytesSeen }) => sum + bytesSeen, 0)
    },
    async [Symbol.asyncDispose]() {
      clearInterval(crediting)
      await attacker[Symbol.asyncDispose]()
    }
  }
}
