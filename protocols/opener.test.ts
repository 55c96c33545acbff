import assert from 'node:assert/strict'
import test from 'node:test'
import { decodeFrame } from '../specs/index.ts'
import type { DecodedFrame } from '../specs/index.ts'
import { ConnectionCaller } from './connection-caller.ts'
import type { OapError } from './errors.ts'
import { FLAG, MAX_FRAME_BYTES, MIN_LEN, encodeFrame } from './frame.ts'
import type { HelloRequest } from './hello.ts'
import { encodeJson } from './json.ts'
import { memoryStreams } from './memory-streams.ts'
import type { MemoryStream } from './memory-streams.ts'
import { plainPlatform } from './platform.ts'
import { bytes, table } from './session-pair.fixture.ts'

const { RESP, EVENT, START, END } = FLAG
const LIMITS = { max_frame: MAX_FRAME_BYTES, max_inflight: 64 }

interface SentFrame extends DecodedFrame {
  readonly bits: number
  readonly on: MemoryStream
}

/** An opener on a connection whose responder is the test: it sees every frame, on every stream, as bytes. */
class Opener {
  readonly sent: SentFrame[] = []
  readonly streams: MemoryStream[] = []
  readonly caller: ConnectionCaller
  readonly #answer: (frame: SentFrame, responder: MemoryStream) => void
  #changed = Promise.withResolvers<void>()

  constructor(answer: (frame: SentFrame, responder: MemoryStream) => void = () => {}, hello?: HelloRequest) {
    this.#answer = answer
    const platform = { ...plainPlatform, deflate: (plain: Uint8Array) => plain.slice(plain.length / 2) }
    const openStream = () => Promise.resolve(this.#open())
    this.caller = new ConnectionCaller({ platform, openStream, ...(hello && { hello }) })
  }

  get calls() {
    return this.caller.client(table)
  }

  /** Resolves with the first `count` frames that were sent. */
  async frames(count: number): Promise<SentFrame[]> {
    while (this.sent.length < count) await this.#changed.promise
    return this.sent
  }

  #open(): MemoryStream {
    const [left, right] = memoryStreams()
    this.streams.push(left)
    let buffer = Buffer.alloc(0)
    right.addEventListener('message', ({ data }: { data: Uint8Array }) => {
      buffer = Buffer.concat([buffer, data])
      for (let next = decodeFrame(buffer); next.outcome === 'frame'; next = decodeFrame(buffer)) {
        this.#take({ ...next.frame, bits: buffer.readUInt16LE(5), on: left }, right)
        buffer = buffer.subarray(next.next)
      }
    })
    return left
  }

  #take(frame: SentFrame, responder: MemoryStream): void {
    this.sent.push(frame)
    this.#answer(frame, responder)
    this.#changed.resolve()
    this.#changed = Promise.withResolvers()
  }
}

const turns = async (count = 10): Promise<void> => {
  for (let n = 0; n < count; n++) await new Promise(resolve => setImmediate(resolve))
}

const isHello = ({ app, payload }: SentFrame): boolean => app === 0 && !payload.includes('"op"')

const answer = (flags: number, { app, corr_id }: SentFrame, payload: Uint8Array, code = 0): Uint8Array =>
  encodeFrame({ flags, code, app, corr: BigInt(`0x${corr_id}`), payload })

/** Answers HELLO with `members` and every START at once and whole. */
const answering =
  (members: Readonly<Record<string, number | string[]>>) => (frame: SentFrame, to: MemoryStream) => {
    if (isHello(frame)) to.send(answer(RESP | END, frame, encodeJson(members)))
    else if (frame.app !== 0 && frame.flags.includes('START'))
      to.send(answer(RESP | START | END, frame, bytes('ok')))
  }

test('opens a stream of its own for each call that streams a body or subscribes, and one for all others', async () => {
  const opener = new Opener(answering(LIMITS))
  const { echo, stream, count } = opener.calls

  await Promise.all([echo({}), echo({}), stream({}), stream({}), count({ to: 1 }), echo({})])

  const starts = opener.sent.filter(({ flags }) => flags.includes('START'))
  const perStream = opener.streams.map(own =>
    starts.filter(({ on }) => on === own).map(({ payload }) => op(payload))
  )
  assert.deepEqual(perStream.map(String).toSorted(), ['count', 'echo,echo,echo', 'stream', 'stream'])
})

const op = (payload: Buffer): string => /"op":"([a-z]+)"/.exec(payload.toString('latin1'))![1]!

test('sends REQ alone of the kinds, no reserved bit and code 0, but for HELLO without flags', async () => {
  const opener = new Opener((frame, to) => {
    if (frame.payload.includes('"late"')) return
    if (frame.payload.includes('"count"')) to.send(answer(RESP | START, frame, bytes('')))
    else answering(LIMITS)(frame, to)
  })
  const { echo, stream, count, late } = opener.calls
  await opener.caller.hello()
  await echo(
    { body: bytes('hi') },
    { e2e: true, tenant: '01020304-0506-0708-090a-0b0c0d0e0f10', cap: bytes('cap') }
  )
  await stream({}, { body: [bytes('one'), bytes('two')] })
  await count({ to: 1 }, { credit: 9 })
  await assert.rejects(late({}, { signal: AbortSignal.timeout(1) }))
  await turns()

  const isKind = ({ flags }: SentFrame, ...kinds: string[]): boolean =>
    flags.filter(flag => ['REQ', 'RESP', 'EVENT'].includes(flag)).join() === kinds.join()
  const { sent } = opener
  assert.ok(
    sent.length >= 6 && sent.some(({ payload }) => payload.includes('"cancel"')),
    `${sent.length} frames`
  )
  for (const frame of sent) {
    assert.ok(isKind(frame, 'REQ') || (isHello(frame) && isKind(frame)), frame.flags.join())
    assert.equal(frame.bits & 0xff00, 0)
    assert.equal(frame.code, 0)
  }
})

test('takes an event whatever code it carries', async () => {
  const opener = new Opener((frame, to) => {
    to.send(answer(RESP | START, frame, bytes('')))
    to.send(answer(EVENT, frame, encodeJson({ n: 7 }), 500))
    to.send(answer(RESP | END, frame, bytes('')))
  })

  const seen: unknown[] = []

  for await (const event of await opener.calls.count({ to: 1 })) seen.push(event)

  assert.deepEqual(seen, [{ n: 7 }])
})

test('never uses the corr_id of a cancelled call again', async () => {
  const opener = new Opener((frame, to) => {
    if (!frame.payload.includes('"late"')) answering(LIMITS)(frame, to)
  })
  const { echo, late } = opener.calls
  const abort = new AbortController()
  const cancelled = [late({}, { signal: abort.signal }), late({}, { signal: abort.signal })]
  await opener.frames(2)
  abort.abort(new Error('enough'))
  await Promise.allSettled(cancelled)

  await Promise.all(Array.from({ length: 50 }, () => echo({})))

  const corrs = opener.sent.map(({ corr_id }) => corr_id)
  assert.equal(opener.sent.filter(({ payload }) => payload.includes('"cancel"')).length, 2)
  assert.equal(new Set(corrs).size, corrs.length)
})

for (const [which, corr] of [
  ['0', 0],
  ['the corr_id of the call', 1]
] as const) {
  test(`understands bad_version on ${which}`, async () => {
    const refusal = encodeJson({
      code: 'bad_version',
      message: 'm',
      retryable: false,
      corr_id: '0000000000000000'
    })
    const opener = new Opener((_, to) => {
      to.send(encodeFrame({ flags: RESP | END, code: 400, corr, app: 0, payload: refusal }))
      void to.close()
    })

    await assert.rejects(opener.calls.echo({}), (error: OapError) => error.code === 'bad_version')
  })
}

const UNREADABLE: readonly (readonly [what: string, hex: string])[] = [
  ['a len of 32', '20000000'],
  ['a len over max_frame', '01001000'],
  ['another version', `2100000002${'00'.repeat(32)}`]
]
for (const [what, hex] of UNREADABLE) {
  test(`resets the stream on which ${what} comes, and fails its calls`, async () => {
    const opener = new Opener((_, to) => void to.send(Buffer.from(hex, 'hex')))

    await assert.rejects(opener.calls.echo({}), (error: OapError) => error.code === 'upstream')

    assert.equal(opener.streams[0]!.status, 'aborted')
  })
}

test('makes an upload wait for a responder that does not read', async () => {
  const opener = new Opener()
  let taken = 0
  const long = function* () {
    for (; taken < 500; taken++) yield new Uint8Array(65_536)
  }
  const uploading = opener.calls.stream({}, { body: long() })
  uploading.catch(() => {})
  await opener.frames(1)
  opener.streams[0]!.other!.pause()

  await turns(200)

  const before = taken
  await turns(200)
  assert.equal(taken, before)
  assert.ok(taken < 100, `${taken} pieces of 64 KiB`)
  opener.streams[0]!.abort(new Error('over'))
})

test('tolerates a HELLO answer of the two limits alone, and ignores unknown members', async () => {
  for (const members of [LIMITS, { ...LIMITS, version: 1, later: ['x'], more: 1 }]) {
    const opener = new Opener(answering(members))

    const hello = await opener.caller.hello()

    assert.deepEqual([hello.maxFrameBytes, hello.maxInflight, hello.apps], [MAX_FRAME_BYTES, 64, []])
    assert.deepEqual(await opener.calls.echo({}), bytes('ok'))
  }
})

const tooLong = (error: OapError): boolean => error.code === 'frame_oversize'

test('sends no frame longer than it states from the moment it states it, nor than the answer says', async () => {
  const lower = { max_frame: 8192, max_inflight: 64 }
  let answerHello = (): void => {}
  const respond = answering(lower)
  const opener = new Opener(
    (frame, to) => {
      if (isHello(frame)) answerHello = () => respond(frame, to)
      else respond(frame, to)
    },
    { max_frame: 16_384 }
  )
  const { echo, stream } = opener.calls
  const asking = opener.caller.hello()
  await opener.frames(1)

  await assert.rejects(echo({ body: new Uint8Array(16_384) }), tooLong)
  await stream({}, { body: [new Uint8Array(40_000)] })
  answerHello()
  await asking
  await assert.rejects(echo({ body: new Uint8Array(8192) }), tooLong)
  await echo({ body: new Uint8Array(8000) })
  await turns()

  const before = opener.sent.findIndex(({ payload }) => payload.length > 7000 && payload.length < 8192)
  assert.ok(before > 0)
  assert.ok(opener.sent.every(({ len }) => len <= 16_384))
  assert.equal(opener.sent.find(({ flags }) => flags.join() === 'REQ')?.len, 16_384)
  assert.ok(opener.sent.slice(before).every(({ len }) => len <= 8192))
})

test('takes a longer frame that was under way when its HELLO lowered max_frame', async () => {
  const long = new Uint8Array(MAX_FRAME_BYTES - MIN_LEN)
  let answerEcho = (): void => {}
  const opener = new Opener(
    (frame, to) => {
      if (isHello(frame)) to.send(answer(RESP | END, frame, encodeJson({ ...LIMITS, max_frame: 4096 })))
      else answerEcho = () => void to.send(answer(RESP | START | END, frame, long))
    },
    { max_frame: 4096 }
  )
  const echoing = opener.calls.echo({})
  await opener.frames(1)
  await opener.caller.hello()

  answerEcho()

  assert.equal((await echoing).length, long.length)
})

test('sends COMP until a HELLO that does not list it, and with one that does', async () => {
  const compressed = async (flags?: string[]): Promise<boolean> => {
    const opener = new Opener(answering({ ...LIMITS, ...(flags && { supported_flags: flags }) }))
    if (flags) await opener.caller.hello()
    await opener.calls.echo({ body: new Uint8Array(1000) }, { compress: true })
    return opener.sent.at(-1)!.flags.includes('COMP')
  }

  assert.deepEqual(
    [await compressed(), await compressed(['EVENT', 'COMP']), await compressed(['EVENT'])],
    [true, true, false]
  )
})

for (const [what, end] of [
  ['loses its session', (to: MemoryStream) => to.abort(new Error('gone'))],
  ['has its stream ended', (to: MemoryStream) => void to.close()]
] as const) {
  test(`does not repeat a call that ${what}`, async () => {
    const opener = new Opener((_, to) => end(to))

    await assert.rejects(opener.calls.echo({}), (error: OapError) => error.reason === 'session_lost')
    await turns()

    assert.equal(opener.sent.length, 1)
  })
}

for (const code of ['slow_peer', 'deadline', 'saturated'] as const) {
  test(`does not repeat a call that is answered ${code}`, async () => {
    const status = { slow_peer: 408, deadline: 504, saturated: 503 }[code]
    const opener = new Opener((frame, to) => {
      const members = { code, message: 'm', retryable: true, corr_id: frame.corr_id }
      to.send(answer(RESP | END, frame, encodeJson(members), status))
    })

    await assert.rejects(opener.calls.echo({}), (error: OapError) => error.code === code)
    await turns()

    assert.equal(opener.sent.length, 1)
  })
}
