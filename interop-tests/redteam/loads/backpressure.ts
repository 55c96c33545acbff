import { setPriority } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { Attacker } from '../attacker.ts'
import { bulkTable } from '../bulk-service.ts'
import { warmUp } from '../honest.ts'
import { CALL, OPEN, rawFrame, request } from '../raw-frame.ts'
import type { RawStream } from '../raw-stream.ts'
import { printTable } from '../table.ts'
import { KNOWN_NETWORK } from '../target-messages.ts'
import { Target } from '../target.ts'
import { HelperProcess } from './helper-process.ts'
import { mostOver } from './most-over.ts'
import type { FastRead } from './fast-reader-process.ts'

const MB = 1e6
const MIB = 1_048_576
const GIB = 1024 * MIB
const MEMORY_MOST = 64 * MIB
const SHARE_LEAST = 0.8
const ROUNDS = 3
/** 4 KiB of credit every 50 ms: 80 KB/s each, a thousandth of what the fast reader takes. */
const SLOW_CREDIT_BYTES = 4096
const SLOW_EVERY_MS = 50
const ACK_REQ = 0x20
/** Slow readers run in this process: they get the processor time that the node and the fast one leave. */
const LOWEST_PRIORITY = 19

interface Outcome {
  readonly name: string
  readonly figures: string
  readonly deltaBytes: number
  readonly passes: boolean
}

/** Peers that do not read, do not grant, or read slowly: what the node keeps for them, and what a fast reader still gets. */
export async function backpressure(full: boolean): Promise<boolean> {
  await using target = await Target.start({ 'http.enabled': false, 'strangers.loopbackIsKnown': true })
  await warmUp(target.address, `${KNOWN_NETWORK}1`)
  const idle = await target.settledBytes()
  const outcomes = [
    await unread(target, idle, full),
    await unreadEcho(target, idle, full),
    await withoutCredit(target, idle, full),
    await slowBesideFast(target, idle, full)
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

async function unread(target: Target, idle: number, full: boolean): Promise<Outcome> {
  await using attacker = await Attacker.create(target.address)
  const before = await target.pushedBytes()
  const [deltaBytes, pushed] = await mostOver(target, idle, async () => {
    const stream = await attacker.stream('127.30.0.1')
    stream.isGreedy = false
    stream.keepsFrames = false
    stream.writeNow(request({ op: 'pour', bytes: GIB }, { app: bulkTable.app, flags: CALL }))
    await sleep(full ? 20_000 : 3000)
    return (await target.pushedBytes()) - before
  })
  return {
    name: 'a peer that never reads a 1 GiB answer',
    figures: `the service was asked for ${(pushed / MIB).toFixed(2)} MiB`,
    deltaBytes,
    passes: deltaBytes <= MEMORY_MOST && pushed < 2 * MIB
  }
}

async function unreadEcho(target: Target, idle: number, full: boolean): Promise<Outcome> {
  await using attacker = await Attacker.create(target.address)
  const piece = rawFrame({ flags: 1, payload: new Uint8Array(60_000) })
  const [deltaBytes, sent] = await mostOver(target, idle, async () => {
    const stream = await attacker.stream('127.30.0.2')
    stream.isGreedy = false
    stream.keepsFrames = false
    stream.writeNow(request({ op: 'stream' }, { flags: OPEN }))
    let bytes = 0
    while (bytes < GIB && (await stream.write(piece, { stallMs: full ? 10_000 : 2000 })))
      bytes += piece.length
    return bytes
  })
  return {
    name: 'a peer that uploads 1 GiB of echo and never reads',
    figures: `the node took ${(sent / MIB).toFixed(2)} MiB`,
    deltaBytes,
    passes: deltaBytes <= MEMORY_MOST && sent < 4 * MIB
  }
}

async function withoutCredit(target: Target, idle: number, full: boolean): Promise<Outcome> {
  await using attacker = await Attacker.create(target.address)
  const [deltaBytes, bytes] = await mostOver(target, idle, async () => {
    const stream = await attacker.stream('127.30.0.3')
    stream.keepsFrames = false
    stream.writeNow(request({ op: 'ticks', count: 1_000_000, credit: 1000 }, { flags: CALL | ACK_REQ }))
    await sleep(full ? 20_000 : 3000)
    return stream.bytesSeen
  })
  return {
    name: 'a subscriber that never grants credit',
    figures: `${bytes} bytes came for 1000 bytes of credit`,
    deltaBytes,
    passes: deltaBytes <= MEMORY_MOST && bytes < 20_000
  }
}

async function slowBesideFast(target: Target, idle: number, full: boolean): Promise<Outcome> {
  const bytes = full ? GIB : 256 * MIB
  await using fast = new HelperProcess(new URL('./fast-reader-process.ts', import.meta.url), [target.address])
  await fast.ask<FastRead>('read', { bytes: bytes / 8 })
  setPriority(LOWEST_PRIORITY)
  const [deltaBytes, { alone, beside }] = await mostOver(target, idle, () => alternate(target, fast, bytes))
  const share = beside / alone
  return {
    name: '100 slow readers beside a fast one',
    figures: `alone ${alone.toFixed(0)} MB/s, beside them ${beside.toFixed(0)} MB/s: ${(share * 100).toFixed(0)} %`,
    deltaBytes,
    passes: deltaBytes <= MEMORY_MOST && share >= SHARE_LEAST
  }
}

/** The best of several rounds each, taken in turns, since the machine is not ours alone. In MB/s. */
async function alternate(
  target: Target,
  fast: HelperProcess,
  bytes: number
): Promise<{ alone: number; beside: number }> {
  let [alone, beside] = [0, 0]
  for (let round = 0; round < ROUNDS; round++) {
    alone = Math.max(alone, (await fast.ask<FastRead>('read', { bytes })).megabytesPerSecond)
    await using slow = await slowReaders(target)
    beside = Math.max(beside, (await fast.ask<FastRead>('read', { bytes })).megabytesPerSecond)
    slow.check()
  }
  return { alone, beside }
}

/** 100 readers on connections of their own, who take a little now and then. */
async function slowReaders(target: Target): Promise<AsyncDisposable & { check(): void }> {
  const attacker = await Attacker.create(target.address)
  const streams: RawStream[] = []
  for (let i = 0; i < 100; i++) {
    const stream = await attacker.stream(`127.31.0.${i + 1}`)
    stream.isGreedy = false
    stream.keepsFrames = false
    stream.writeNow(request({ op: 'pour', bytes: GIB }, { app: bulkTable.app, flags: CALL }))
    streams.push(stream)
  }
  await sleep(500)
  const reading = setInterval(
    () => streams.forEach(stream => stream.credit(SLOW_CREDIT_BYTES)),
    SLOW_EVERY_MS
  )
  return {
    check() {
      const ended = streams.filter(({ ending }) => ending !== 'open').length
      if (ended > 0) throw new Error(`${ended} slow readers were thrown out`)
    },
    async [Symbol.asyncDispose]() {
      clearInterval(reading)
      await attacker[Symbol.asyncDispose]()
    }
  }
}
