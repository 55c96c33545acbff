import { setPriority } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { Attacker } from '../attacker.ts'
import { bulkTable } from '../bulk-service.ts'
import { OPEN, echoCall, rawFrame, request } from '../raw-frame.ts'
import type { RawStream } from '../raw-stream.ts'
import type { YamuxLink } from '../yamux-link.ts'
import { answerParent } from './helper-process.ts'
import type { Pressed } from './strangers-judge.ts'

const STREAMS = 8
const STRANGERS_OF_A_NETWORK = 8
const WRITE_EVERY_MS = 1000
const CONNECTED_SHARE = 0.98
const AGAIN_MS = 500
const MS_FOR_EACH = 60
const MIB = 1_048_576

// Real strangers have processors of their own: here they get what the node and its clients leave.
const LOWEST_PRIORITY = 19
setPriority(LOWEST_PRIORITY)

const [target] = process.argv.slice(2) as [string]
const attacker = await Attacker.create(target)
let connected = 0
const told = {
  attempts: 0,
  connections: 0,
  mostAtOnce: 0,
  refusals: 0,
  thrownOut: 0,
  streamsOpened: 0,
  resets: 0
}
const statuses: Record<string, number> = {}

answerParent({
  /** Resolves once nearly all hold a connection, or have tried for long. They come back whenever they are thrown out. */
  attack: async ({ strangers }: { strangers: number }) => {
    for (let i = 0; i < strangers; i++) void beStranger(i)
    const until = performance.now() + strangers * MS_FOR_EACH
    while (connected < strangers * CONNECTED_SHARE && performance.now() < until) await sleep(100)
    return connected
  },
  tell: (): Pressed => ({ ...told, statuses })
})

async function beStranger(i: number): Promise<never> {
  const network = Math.floor(i / STRANGERS_OF_A_NETWORK)
  const from = `127.${20 + Math.floor(network / 250)}.${network % 250}.${1 + (i % STRANGERS_OF_A_NETWORK)}`
  await sleep(i * 20)
  for (;;) {
    told.attempts++
    const link = await attacker.connect(from).catch(() => undefined)
    if (link === undefined) {
      told.refusals++
      await sleep(AGAIN_MS)
      continue
    }
    connected++
    told.connections++
    told.mostAtOnce = Math.max(told.mostAtOnce, connected)
    await Promise.race([link.gone, ...Array.from({ length: STREAMS }, (_, slot) => useStream(link, slot))])
    connected--
    told.thrownOut++
    await sleep(AGAIN_MS)
  }
}

/** One of the stranger's streams, opened again whenever it ends. */
async function useStream(link: YamuxLink, slot: number): Promise<void> {
  while (!link.isGone) {
    const stream = link.open().negotiate()
    told.streamsOpened++
    await WAYS[slot % WAYS.length]!(stream)
    if (stream.ending === 'reset') told.resets++
    for (const { code } of stream.frames) if (code >= 400) statuses[code] = (statuses[code] ?? 0) + 1
    await sleep(AGAIN_MS)
  }
}

/** Ways to cost much and give little. */
const WAYS: readonly ((stream: RawStream) => Promise<void>)[] = [
  // A call that never ends, its body a few bytes at a time.
  async stream => {
    stream.writeNow(request({ op: 'stream' }, { flags: OPEN, corr: 1n }))
    await drip(stream, rawFrame({ flags: 1, corr: 1n, payload: 'slow' }), Infinity)
  },
  // A frame that promises 1 MiB and comes a byte at a time.
  async stream => {
    stream.writeNow(rawFrame({ len: MIB, corr: 1n }))
    await drip(stream, new Uint8Array(1), Infinity)
  },
  // A large call of which all but the last byte comes at once.
  async stream => {
    const call = echoCall(1n, new Uint8Array(200_000))
    await stream.write(call.subarray(0, -1))
    await stream.end(60_000)
  },
  // An answer that is not read.
  async stream => {
    stream.isGreedy = false
    stream.keepsFrames = false
    stream.writeNow(request({ op: 'pour', bytes: 1024 * MIB }, { app: bulkTable.app, corr: 1n }))
    await stream.end(60_000)
  }
]

async function drip(stream: RawStream, bytes: Uint8Array, times: number): Promise<void> {
  stream.keepsFrames = false
  for (let i = 0; i < times && stream.ending === 'open'; i++) {
    await stream.write(bytes, { stallMs: 60_000 })
    await stream.end(WRITE_EVERY_MS)
  }
}
