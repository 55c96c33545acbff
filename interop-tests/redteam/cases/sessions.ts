import { setTimeout as sleep } from 'node:timers/promises'
import { FLAG, corrHex } from 'omnigate/protocols'
import { fate, told } from '../hostile-case.ts'
import type { HostileCase, Scene } from '../hostile-case.ts'
import { CALL, OPEN, echoCall, rawFrame, request } from '../raw-frame.ts'
import type { RawStream, Seen } from '../raw-stream.ts'

const { REQ, RESP, END, ACK_REQ } = FLAG
const SLACK_MS = 15_000
const MIB = 1_048_576

const control = (members: object, corr = 9n): Uint8Array =>
  rawFrame({ app: 0, corr, payload: JSON.stringify(members) })
const openStreamCall = (corr: bigint): Uint8Array => request({ op: 'stream' }, { corr, flags: OPEN })
const isFinal = ({ flags }: Seen): boolean => (flags & END) !== 0

async function dribble(stream: RawStream, bytes: Uint8Array, everyMs: number): Promise<void> {
  for (const byte of bytes) {
    if (stream.ending !== 'open') return
    stream.writeNow(Uint8Array.of(byte))
    await sleep(everyMs)
  }
}

/** Status, reason, corr_id and end of a stream whose sender was too slow. */
async function lateness(stream: RawStream, withinMs: number): Promise<string> {
  const frame = await stream.next(({ code }) => code !== 0, withinMs + SLACK_MS)
  return `${told(frame)} on corr ${frame?.corr}, stream ${await stream.end()}`
}

async function tally(stream: RawStream, frames: number): Promise<string> {
  const seen = new Map<string, number>()
  for (let i = 0; i < frames; i++) {
    const answer = told(await stream.next(isFinal, 15_000))
    seen.set(answer, (seen.get(answer) ?? 0) + 1)
  }
  return [...seen].map(([answer, n]) => `${n} x ${answer}`).join(', ')
}

export const sessionCases: readonly HostileCase[] = [
  {
    name: 'slow-loris: a header byte by byte',
    on: 'strict',
    expected: '408 slow_peer on corr 0, stream fin',
    async run({ attacker, from, timeouts }) {
      const stream = await attacker.stream(from())
      void dribble(stream, echoCall(3n), timeouts.firstFrameMs / 20)
      return lateness(stream, timeouts.firstFrameMs)
    }
  },
  {
    name: 'slow-loris: the body of a 1 MiB frame, a byte at a time',
    on: 'open',
    expected: '408 slow_peer on corr 3, stream fin',
    async run({ attacker, from, timeouts }) {
      const stream = await attacker.stream(from())
      stream.writeNow(echoCall(2n))
      await stream.next(isFinal)
      void dribble(
        stream,
        rawFrame({ len: MIB, corr: 3n, payload: Buffer.alloc(400) }),
        timeouts.frameMs / 40
      )
      return lateness(stream, timeouts.frameMs)
    }
  },
  {
    name: 'slow-loris: 8 headers of 1 MiB each and then nothing',
    on: 'strict',
    expected: 'one is taken and late: 408 slow_peer; the others wait',
    async run({ attacker, from, timeouts }) {
      const link = await attacker.connect(from())
      const streams = Array.from({ length: 8 }, () => link.open().negotiate())
      for (const stream of streams) stream.writeNow(rawFrame({ len: MIB, corr: 3n }))
      const answers = await Promise.all(streams.map(stream => stream.next(isFinal, timeouts.frameMs + 2000)))
      const late = answers.filter(answer => answer !== undefined)
      if (late.length !== 1) return `${late.length} are taken`
      return `one is taken and late: ${told(late[0])}; the others wait`
    }
  },
  {
    name: 'partial writes: a frame in single bytes, in time',
    on: 'strict',
    expected: '0, session lives',
    async run({ attacker, from }) {
      const stream = await attacker.stream(from())
      for (const byte of echoCall(3n)) stream.writeNow(Uint8Array.of(byte))
      return `${told(await stream.next())}, ${await fate(stream)}`
    }
  },
  {
    name: 'a stream that is opened and never used',
    on: 'strict',
    expected: '408 slow_peer on corr 0, stream fin',
    async run({ attacker, from, timeouts }) {
      return lateness(await attacker.stream(from()), timeouts.firstFrameMs)
    }
  },
  {
    name: 'a half-open stream: answered, then neither FIN nor frame',
    on: 'open',
    expected: '0, stream fin',
    async run({ attacker, from, timeouts }) {
      const stream = await attacker.stream(from())
      stream.writeNow(echoCall(3n))
      const answer = told(await stream.next())
      return `${answer}, stream ${await stream.end(timeouts.idleMs + SLACK_MS)}`
    }
  },
  {
    name: 'half a frame, then FIN',
    on: 'strict',
    expected: 'stream reset',
    async run({ attacker, from }) {
      const stream = await attacker.stream(from())
      stream.writeNow(echoCall(3n).subarray(0, 40))
      stream.fin()
      return `stream ${await stream.end()}`
    }
  },
  {
    name: 'FIN where a call still owes its END',
    on: 'strict',
    expected: '400 bad_sequence, stream fin',
    async run({ attacker, from }) {
      const stream = await attacker.stream(from())
      stream.writeNow(openStreamCall(3n))
      stream.fin()
      return `${told(await stream.next(isFinal))}, stream ${await stream.end()}`
    }
  },
  {
    name: '15 frames of the wrong kind',
    on: 'strict',
    expected: '0 answers, session lives',
    async run({ attacker, from }) {
      const stream = await attacker.stream(from())
      for (let i = 0; i < 15; i++) stream.writeNow(rawFrame({ flags: RESP | END }))
      const lives = await fate(stream)
      return `${stream.frames.length} answers, ${lives}`
    }
  },
  {
    name: '16 frames of the wrong kind',
    on: 'strict',
    expected: '0 answers, stream reset',
    async run({ attacker, from }) {
      const stream = await attacker.stream(from())
      for (let i = 0; i < 16; i++) stream.writeNow(rawFrame({ flags: i % 2 === 0 ? REQ | RESP : 0 }))
      return `${stream.frames.length} answers, stream ${await stream.end()}`
    }
  },
  {
    name: 'HELLO flood',
    on: 'strict',
    expected: '10 answers, stream reset',
    async run({ attacker, from }) {
      const stream = await attacker.stream(from())
      const hellos = Buffer.concat(
        Array.from({ length: 10 }, (_, i) => rawFrame({ app: 0, corr: BigInt(i) }))
      )
      stream.writeNow(hellos)
      for (let i = 0; i < 10; i++) await stream.next()
      const answers = stream.framesSeen
      for (let i = 0; i < 20; i++) stream.writeNow(rawFrame({ app: 0, flags: 0, corr: 0n }))
      const ending = await stream.end()
      return `${stream.framesSeen <= 11 ? answers : stream.framesSeen} answers, stream ${ending}`
    }
  },
  {
    name: 'a flood of cancels',
    on: 'strict',
    expected: '0 answers, session lives',
    async run({ attacker, from, count }) {
      const stream = await attacker.stream(from())
      const cancel = control({ op: 'cancel', corr: corrHex(77n) })
      await stream.write(repeated(cancel, count(10_000, 200_000)))
      const lives = await fate(stream, 30_000)
      return `${stream.framesSeen - 1} answers, ${lives}`
    }
  },
  {
    name: 'calls opened and cancelled at once',
    on: 'strict',
    expected: '0 answers but 429 quota_peer, session lives',
    async run({ attacker, from, count }) {
      const stream = await attacker.stream(from())
      const pair = Buffer.concat([openStreamCall(5n), control({ op: 'cancel', corr: corrHex(5n) })])
      await stream.write(repeated(pair, count(5000, 50_000)))
      const lives = await fate(stream, 30_000)
      const others = stream.frames.filter(frame => isFinal(frame) && told(frame) !== '429 quota_peer')
      return `${others.length} answers but 429 quota_peer, ${lives}`
    }
  },
  creditCase('credit that goes backwards', [
    { up_to: 1, credit: 100 },
    { up_to: 0, credit: 100 }
  ]),
  creditCase('credit for events that were never sent', [{ up_to: 4_000_000, credit: 100 }]),
  {
    name: 'a flood of credit for a call without ACK_REQ',
    on: 'strict',
    expected: '0 answers, session lives',
    async run({ attacker, from, count }) {
      const stream = await attacker.stream(from())
      const credit = control({ op: 'credit', corr: corrHex(3n), up_to: 1, credit: 1 })
      await stream.write(repeated(credit, count(10_000, 100_000)))
      const lives = await fate(stream, 30_000)
      return `${stream.framesSeen - 1} answers, ${lives}`
    }
  },
  {
    name: 'a stranger that opens 6 calls',
    on: 'strict',
    expected: '2 x 429 quota_peer',
    async run({ attacker, from }) {
      const stream = await attacker.stream(from())
      for (let corr = 1n; corr <= 6n; corr++) stream.writeNow(openStreamCall(corr))
      return tally(stream, 2)
    }
  },
  {
    name: 'a known peer that opens 70 calls on a session',
    on: 'open',
    expected: '6 x 503 saturated',
    async run({ attacker, from }) {
      const stream = await attacker.stream(from())
      for (let corr = 1n; corr <= 70n; corr++) stream.writeNow(openStreamCall(corr))
      return tally(stream, 6)
    }
  },
  {
    name: 'the same corr_id again and again while its call is open',
    on: 'strict',
    expected: '1 x 400 bad_sequence',
    async run({ attacker, from }) {
      const stream = await attacker.stream(from())
      for (let i = 0; i < 2; i++) stream.writeNow(openStreamCall(3n))
      return tally(stream, 1)
    }
  },
  {
    name: 'a flood of STARTs into a call that was refused',
    on: 'strict',
    expected: '200 x 400 bad_sequence, session lives',
    async run({ attacker, from }) {
      const stream = await attacker.stream(from())
      for (let i = 0; i < 201; i++) stream.writeNow(openStreamCall(3n))
      return `${await tally(stream, 200)}, ${await fate(stream)}`
    }
  },
  {
    name: 'refused calls on as many corr_ids as there are',
    on: 'strict',
    expected: 'session lives',
    async run({ attacker, from, count }) {
      const stream = await attacker.stream(from())
      stream.keepsFrames = false
      const frames = count(5000, 50_000)
      for (let i = 0; i < frames; i += 100) {
        const some = Array.from({ length: 100 }, (_, j) =>
          rawFrame({ flags: REQ, corr: BigInt(i + j + 1), payload: 'x' })
        )
        await stream.write(Buffer.concat(some))
      }
      stream.keepsFrames = true
      return fate(stream, 30_000)
    }
  },
  {
    name: 'data behind the END of a call that is answered',
    on: 'strict',
    expected: '0 then 400 bad_sequence',
    async run({ attacker, from }) {
      const stream = await attacker.stream(from())
      stream.writeNow(echoCall(3n))
      stream.writeNow(rawFrame({ flags: REQ | END, corr: 3n, payload: 'x' }))
      return `${told(await stream.next(isFinal))} then ${told(await stream.next(isFinal))}`
    }
  }
]

function creditCase(name: string, grants: readonly { up_to: number; credit: number }[]): HostileCase {
  return {
    name,
    on: 'strict',
    expected: '400 credit_violation',
    async run({ attacker, from }: Scene) {
      const stream = await attacker.stream(from())
      const header = { op: 'ticks', count: 1_000_000, credit: 1000 }
      stream.writeNow(request(header, { corr: 3n, flags: CALL | ACK_REQ }))
      await stream.next()
      await stream.next()
      for (const grant of grants) stream.writeNow(control({ op: 'credit', corr: corrHex(3n), ...grant }))
      return told(await stream.next(isFinal))
    }
  }
}

function repeated(bytes: Uint8Array, times: number): Uint8Array {
  const all = new Uint8Array(bytes.length * times)
  for (let i = 0; i < times; i++) all.set(bytes, i * bytes.length)
  return all
}
