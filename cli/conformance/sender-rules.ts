import type { DecodedFrame } from '../../specs/index.ts'

const FLAGS_AT = 5
const RESERVED_BITS = 0xff00
const KINDS = ['REQ', 'RESP', 'EVENT']
const MAX_RESP_PAYLOAD_BYTES = 65_536

/** What no responder may send, in whatever conversation; undefined when the frame is clean. `bytes` is the whole frame. */
export function senderFault(bytes: Buffer, frame: DecodedFrame): string | undefined {
  return SENDER_RULES.find(([isBroken]) => isBroken(frame, bytes))?.[1]
}

const has = ({ flags }: DecodedFrame, ...names: string[]): boolean =>
  names.every(name => flags.includes(name))

const isError = ({ code }: DecodedFrame): boolean => code !== 0 && (code < 200 || code > 299)

type SenderRule = readonly [isBroken: (frame: DecodedFrame, bytes: Buffer) => boolean, words: string]

const SENDER_RULES: readonly SenderRule[] = [
  [
    (_, bytes) => (bytes.readUInt16LE(FLAGS_AT) & RESERVED_BITS) !== 0,
    'reserved flag bits that are set (3.2)'
  ],
  [({ flags }) => flags.filter(flag => KINDS.includes(flag)).length !== 1, 'not exactly one kind (3.2)'],
  [frame => has(frame, 'REQ'), 'REQ from a responder (5.1)'],
  [frame => has(frame, 'EVENT') && frame.code !== 0, 'a code on EVENT (3.3)'],
  [frame => has(frame, 'EVENT') && (has(frame, 'START') || has(frame, 'END')), 'START or END on EVENT (5.6)'],
  [frame => isError(frame) && !has(frame, 'RESP', 'END'), 'an error without RESP and END (3.3)'],
  [frame => isError(frame) && has(frame, 'START'), 'an error with START (5.1)'],
  [
    frame => has(frame, 'RESP') && frame.payload.length > MAX_RESP_PAYLOAD_BYTES,
    'more than 65,536 payload bytes on RESP (5.5)'
  ]
]
