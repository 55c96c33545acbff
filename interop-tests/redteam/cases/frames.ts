import { FLAG } from 'omnigate/protocols'
import { fate, told } from '../hostile-case.ts'
import type { HostileCase } from '../hostile-case.ts'
import { CALL, OPEN, echoCall, rawFrame, request } from '../raw-frame.ts'
import { BOMBS } from './zstd-bombs.ts'

const { REQ, END, COMP } = FLAG
const HI = Buffer.from('hi')
const LARGEST_FRAME = 1_048_576

const deep = (levels: number): string => `{"op":"echo","a":${'['.repeat(levels)}${']'.repeat(levels)}}`
const payload = (text: string | Uint8Array): Uint8Array => rawFrame({ payload: text })
const compressed = (zstd: Uint8Array): Uint8Array =>
  request({ op: 'echo' }, { body: zstd, flags: CALL | COMP })

type Row = readonly [name: string, bytes: Uint8Array | readonly Uint8Array[], expected: string]

/** Bytes on a new stream, the first answer to them, and what becomes of the stream. */
const ROWS: readonly Row[] = [
  ['len 0', rawFrame({ len: 0 }), '400 bad_frame, stream closed'],
  ['len 32', rawFrame({ len: 32 }), '400 bad_frame, stream closed'],
  ['len one over max_frame', rawFrame({ len: LARGEST_FRAME + 1 }), '413 frame_oversize, stream closed'],
  ['len 4 GiB', rawFrame({ len: 0xffffffff }), '413 frame_oversize, stream closed'],
  ['ver 0', rawFrame({ ver: 0 }), '400 bad_version, stream closed'],
  ['ver 2', rawFrame({ ver: 2 }), '400 bad_version, stream closed'],
  ['cap_len beyond the frame', rawFrame({ capLen: 9, cap: HI }), '400 bad_frame, session lives'],
  ['cap_len 65535 in an empty frame', rawFrame({ capLen: 65_535 }), '400 bad_frame, session lives'],
  ['cap without START', rawFrame({ flags: REQ, cap: HI }), '400 bad_sequence, session lives'],
  ['a cap of 65535 bytes', request({ op: 'echo' }, { cap: Buffer.alloc(65_535) }), '0, session lives'],
  ['reserved flags', request({ op: 'echo' }, { flags: CALL | 0xff00 }), '0, session lives'],
  ['a code on a request', request({ op: 'echo' }, { code: 503 }), '0, session lives'],
  ['corr_id 0 on a service', echoCall(0n), '400 bad_sequence, session lives'],
  ['data before START', rawFrame({ flags: REQ, payload: HI }), '400 bad_sequence, session lives'],
  [
    'data with END before START',
    rawFrame({ flags: REQ | END, payload: HI }),
    '400 bad_sequence, session lives'
  ],
  ['an unknown app', request({ op: 'echo' }, { app: 0x7fff }), '404 unknown_app, session lives'],
  ['admin over the network', request({ op: 'status' }, { app: 3 }), '404 unknown_app, session lives'],
  ['an unknown operation', request({ op: 'shout' }), '404 unknown_operation, session lives'],
  ['an operation of the prototype', request({ op: 'constructor' }), '404 unknown_operation, session lives'],
  ['no operation', payload('{}'), '400 unknown_operation, session lives'],
  ['an empty payload', rawFrame({}), '400 bad_payload, session lives'],
  ['a payload of another form', payload('[1]'), '400 bad_payload, session lives'],
  [
    'a record header beyond the payload',
    payload(Buffer.from([0, 255, 255, 123, 125])),
    '400 bad_payload, session lives'
  ],
  ['a record cut off in its length', payload(Buffer.from([0, 1])), '400 bad_payload, session lives'],
  ['JSON 17 deep', payload(deep(16)), '400 bad_payload, session lives'],
  ['JSON 30,000 deep', payload(deep(30_000)), '400 bad_payload, session lives'],
  [
    'JSON of 65,537 bytes',
    payload(`{"op":"echo"${' '.repeat(65_537 - 13)}}`),
    '413 body_oversize, session lives'
  ],
  [
    'JSON of 1 MB',
    payload(`{"op":"echo","a":"${'a'.repeat(1_000_000)}"}`),
    '413 body_oversize, session lives'
  ],
  ['duplicate keys', payload('{"op":"echo","op":"work"}'), '400 bad_payload, session lives'],
  ['duplicate keys by escape', payload('{"op":"echo","\\u006fp":"work"}'), '400 bad_payload, session lives'],
  ['a fraction', payload('{"op":"work","ms":1.0}'), '400 bad_payload, session lives'],
  [
    'a number of 60,000 digits',
    payload(`{"op":"work","ms":${'9'.repeat(60_000)}}`),
    '400 bad_payload, session lives'
  ],
  [
    'an integer beyond 2^53 - 1',
    payload('{"op":"work","ms":9007199254740992}'),
    '400 bad_payload, session lives'
  ],
  ['an exponent', payload('{"op":"work","ms":1e3}'), '400 bad_payload, session lives'],
  ['a lone surrogate', payload('{"op":"\\ud800"}'), '400 bad_payload, session lives'],
  [
    'bytes that are no UTF-8',
    payload(Buffer.from('7b226f70223a22ff227d', 'hex')),
    '400 bad_payload, session lives'
  ],
  ['text behind the object', payload('{"op":"echo"}{}'), '400 bad_payload, session lives'],
  ['a member __proto__', payload('{"op":"echo","__proto__":{"op":"work"}}'), '0, session lives'],
  ['deadline_ms 0', payload('{"op":"echo","deadline_ms":0}'), '400 bad_request, session lives'],
  [
    'deadline_ms beyond 2^31 - 1',
    payload('{"op":"echo","deadline_ms":2147483648}'),
    '400 bad_request, session lives'
  ],
  ['a member of the wrong type', payload('{"op":"work","ms":"1"}'), '400 bad_request, session lives'],
  ['a member out of range', payload('{"op":"ticks","count":1000001}'), '400 bad_request, session lives'],
  [
    'a body where none is taken',
    request({ op: 'work', ms: 0 }, { body: HI }),
    '400 bad_request, session lives'
  ],
  [
    'a second START',
    [request({ op: 'stream' }, { flags: OPEN }), echoCall(1n)],
    '400 bad_sequence, session lives'
  ],
  ['zstd: beyond the ratio', compressed(BOMBS.ratio()), '413 ratio_cap, session lives'],
  ['zstd: beyond 8 MiB', compressed(BOMBS.size()), '413 decompress_cap, session lives'],
  ['zstd: a window of 16 MiB', compressed(BOMBS.window()), '400 bad_payload, session lives'],
  ['zstd: a content size of 2^63', compressed(BOMBS.contentSize()), '400 bad_payload, session lives'],
  ['zstd: something behind the frame', compressed(BOMBS.trailing()), '400 bad_payload, session lives'],
  ['zstd: two frames', compressed(BOMBS.twice()), '400 bad_payload, session lives'],
  ['zstd: cut off', compressed(BOMBS.truncated()), '400 bad_payload, session lives'],
  ['zstd: a skippable frame', compressed(BOMBS.skippable()), '400 bad_payload, session lives'],
  ['zstd: a dictionary', compressed(BOMBS.dictionary()), '400 bad_payload, session lives'],
  ['zstd: 60,000 blocks of one byte', compressed(BOMBS.blocks()), '400 bad_payload, session lives'],
  ['COMP on an empty body', compressed(new Uint8Array(0)), '400 bad_payload, session lives'],
  ['COMP on bytes that are no zstd', compressed(HI), '400 bad_payload, session lives'],
  [
    'COMP on the JSON form',
    request({ op: 'echo' }, { flags: CALL | COMP }),
    '400 bad_payload, session lives'
  ],
  ['zstd in zstd across body frames', acrossFrames(BOMBS.inner()), '413 ratio_cap, session lives'],
  ['zstd: 8 MiB across body frames', acrossFrames(BOMBS.part()), '413 decompress_cap, session lives'],
  ['HELLO that is no object', rawFrame({ app: 0, payload: '[]' }), '400 bad_payload, session lives'],
  [
    'HELLO with max_frame 1',
    rawFrame({ app: 0, payload: '{"max_frame":1}' }),
    '400 bad_request, session lives'
  ],
  [
    'an unknown control operation',
    rawFrame({ app: 0, payload: '{"op":"stop"}' }),
    '404 unknown_operation, session lives'
  ],
  ['cancel without corr', rawFrame({ app: 0, payload: '{"op":"cancel"}' }), '400 bad_request, session lives'],
  [
    'control with corr_id 0',
    rawFrame({ app: 0, corr: 0n, payload: '{"op":"cancel","corr":"0000000000000001"}' }),
    '400 bad_sequence, session lives'
  ],
  [
    'credit of half a byte',
    rawFrame({ app: 0, payload: '{"op":"credit","corr":"0000000000000001","up_to":0.5,"credit":1}' }),
    '400 bad_payload, session lives'
  ]
]

export const frameCases: readonly HostileCase[] = ROWS.map(([name, bytes, expected]) => ({
  name,
  on: 'strict',
  expected,
  async run({ attacker, from }) {
    const stream = await attacker.stream(from())
    for (const piece of [bytes].flat() as Uint8Array[]) await stream.write(piece, { stallMs: 1000 })
    const answer = told(await stream.next(({ flags, code }) => code !== 0 || (flags & END) !== 0))
    return `${answer}, ${await fate(stream)}`
  }
}))

/** The same compressed frame eight times as the body of one streamed call. */
function acrossFrames(zstd: Uint8Array): Uint8Array[] {
  const more = rawFrame({ flags: REQ | COMP, payload: zstd })
  return [request({ op: 'stream' }, { flags: OPEN }), ...Array.from({ length: 8 }, () => more)]
}
