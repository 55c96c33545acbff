import { fate } from '../hostile-case.ts'
import type { HostileCase, Scene } from '../hostile-case.ts'
import { CALL, echoCall, request } from '../raw-frame.ts'
import type { RawStream } from '../raw-stream.ts'
import { bulkTable } from '../bulk-service.ts'

const MIB = 1_048_576
const GIB = 1024 * MIB
const STREAMS_OF_A_STRANGER = 8
const STREAMS_OF_A_PEER = 256
const SETTLED_MS = 1500
/** What the node may hold for a stream that nobody reads: its own queue, a window, and what the kernel takes. */
const HELD_FOR_ONE_MOST = 2 * MIB

async function endings(streams: readonly RawStream[]): Promise<string> {
  const fates = await Promise.all(streams.map(stream => stream.end(SETTLED_MS)))
  return `${fates.filter(ending => ending === 'open').length} open, ${fates.filter(ending => ending === 'reset').length} reset`
}

export const streamCases: readonly HostileCase[] = [
  {
    name: 'a stranger with 20 streams',
    on: 'strict',
    expected: '8 open, 12 reset, the first: session lives',
    async run({ attacker, from }) {
      const link = await attacker.connect(from())
      const streams = Array.from({ length: 20 }, () => link.open().negotiate())
      for (const stream of streams) stream.writeNow(echoCall(1n))
      return `${await endings(streams)}, the first: ${await fate(streams[0]!)}`
    }
  },
  {
    name: 'a known peer with 300 streams',
    on: 'open',
    expected: '256 open, 44 reset, the first: session lives',
    async run({ attacker, from }) {
      const link = await attacker.connect(from())
      const streams = Array.from({ length: STREAMS_OF_A_PEER + 44 }, () => link.open().negotiate())
      for (const stream of streams) stream.writeNow(echoCall(1n))
      return `${await endings(streams)}, the first: ${await fate(streams[0]!)}`
    }
  },
  {
    name: 'yamux streams that are never negotiated',
    on: 'strict',
    expected: 'all ended',
    async run({ attacker, from }) {
      const link = await attacker.connect(from())
      const streams = Array.from({ length: 40 }, () => link.open())
      const fates = await Promise.all(streams.map(stream => stream.end(12_000)))
      return fates.includes('open') ? 'some still open' : 'all ended'
    }
  },
  {
    name: '10,000 streams opened and abandoned',
    on: 'open',
    expected: 'all opened',
    run: async scene => abandoned(scene, scene.count(10_000, 10_000))
  },
  {
    name: '10,000 streams of strangers opened and abandoned',
    on: 'strict',
    expected: 'all opened',
    async run({ attacker, from, count }) {
      const connections = count(10_000, 10_000) / STREAMS_OF_A_STRANGER / 25
      for (let i = 0; i < connections; i++) {
        const link = await attacker.connect(from(i % 200))
        for (let j = 0; j < STREAMS_OF_A_STRANGER * 25; j++)
          link.open().negotiate().writeNow(echoCall(1n).subarray(0, 20))
        await link.open().negotiate().end(5)
        attacker.leave()
      }
      return 'all opened'
    }
  },
  {
    name: '10,000 streams opened and reset',
    on: 'open',
    expected: 'session lives',
    async run({ attacker, from, count }) {
      const link = await attacker.connect(from())
      for (let i = 0; i < count(10_000, 100_000); i++) {
        const stream = link.open().negotiate()
        stream.writeNow(echoCall(1n))
        stream.reset()
        if (i % 100 === 0) await link.drained()
      }
      return fate(link.open().negotiate(), 30_000)
    }
  },
  unread('1 GiB as a stream that nobody reads', { op: 'pour', bytes: GIB }, 'waits'),
  unread(
    'an answer of 64 MiB in one piece that nobody reads',
    { op: 'whole', bytes: 64 * MIB },
    'waits or ends'
  ),
  {
    name: 'echo calls whose answers nobody reads',
    on: 'strict',
    expected: 'the node stops reading',
    async run({ attacker, from }) {
      const stream = await attacker.stream(from())
      stream.isGreedy = false
      const call = echoCall(1n, new Uint8Array(200_000))
      let sent = 0
      while (sent < 100 && (await stream.write(call, { stallMs: 1500 }))) sent++
      return sent < 20 ? 'the node stops reading' : `the node read ${sent} calls`
    }
  },
  {
    name: 'a flood of events that nobody reads',
    on: 'strict',
    expected: 'waits, the other session: session lives',
    async run({ attacker, from }) {
      const link = await attacker.connect(from())
      const stream = link.open().negotiate()
      stream.isGreedy = false
      stream.keepsFrames = false
      stream.writeNow(request({ op: 'ticks', count: 1_000_000 }, { corr: 3n }))
      await stream.end(SETTLED_MS)
      const waits = stream.bytesSeen <= 262_144 + 64 ? 'waits' : `sent ${stream.bytesSeen} bytes`
      return `${waits}, the other session: ${await fate(link.open().negotiate())}`
    }
  },
  {
    name: 'a peer that floods calls and never reads its socket',
    on: 'strict',
    expected: 'the node stops reading',
    async run({ attacker, from }) {
      const link = await attacker.connect(from())
      const streams = Array.from({ length: STREAMS_OF_A_STRANGER }, () => link.open().negotiate())
      for (const stream of streams) stream.credit(0x7fffffff)
      link.pause()
      const call = echoCall(1n, new Uint8Array(100_000))
      const stopped = await Promise.all(
        streams.map(async stream => {
          for (let i = 0; i < 200; i++) if (!(await stream.write(call, { stallMs: 1500 }))) return true
          return false
        })
      )
      return stopped.every(Boolean) ? 'the node stops reading' : 'the node read 20 MB'
    }
  }
]

async function abandoned({ attacker, from }: Scene, streams: number): Promise<string> {
  for (let opened = 0; opened < streams;) {
    const link = await attacker.connect(from())
    for (let i = 0; i < 250; i++, opened++)
      link
        .open()
        .negotiate()
        .writeNow(echoCall(1n).subarray(0, 20 + (i % 20)))
    await link.open().negotiate().end(20)
    attacker.leave()
  }
  return 'all opened'
}

function unread(name: string, header: { op: string; bytes: number }, expected: string): HostileCase {
  return {
    name,
    on: 'strict',
    expected,
    async run({ attacker, from, target }) {
      const stream = await attacker.stream(from())
      stream.isGreedy = false
      stream.keepsFrames = false
      const before = await target.pushedBytes()
      stream.writeNow(request(header, { app: bulkTable.app, corr: 3n, flags: CALL }))
      await stream.end(SETTLED_MS)
      const pushed = (await target.pushedBytes()) - before
      if (stream.bytesSeen > 262_144 + 64) return `sent ${stream.bytesSeen} bytes beyond the window`
      return pushed <= HELD_FOR_ONE_MOST ? expected : `took ${pushed} bytes from the service`
    }
  }
}
