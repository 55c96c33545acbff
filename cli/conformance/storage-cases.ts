import { createHash, randomBytes } from 'node:crypto'
import {
  cidOf,
  cidText,
  dagVerifier,
  decodeRecord,
  parseCid,
  parseJson,
  storageService
} from '../../protocols/index.ts'
import type { ByteRange } from '../../protocols/index.ts'
import type { Bytes, DecodedFrame, VectorFrame } from '../../specs/index.ts'
import type { Conversation, Step } from './vectors.ts'

const SECTION = '12.4'
const LEAF_BYTES = 65_536
/** How long a node may take until it has done away with a body that broke off. */
const OVER_MS = 300

type Header = Readonly<Record<string, unknown>>

interface Case {
  readonly id: string
  readonly about: string
  readonly steps: (own: Buffer) => readonly Step[]
}

/** What anyone's storage must do with blobs, ranges and wrong input: specs/storage.md. Each has content of its own. */
export function storageCases(): Conversation[] {
  return CASES.map(({ id, about, steps }) => ({
    id: `storage-${id}`,
    rule: SECTION,
    about,
    needs: ['storage'],
    steps: steps(randomBytes(16))
  }))
}

const corrOf = (n: number): string => n.toString(16).padStart(16, '0')
const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest()
/** The content id of bytes that fit into one leaf. */
export const leafId = (bytes: Uint8Array): string => cidText(cidOf('raw', sha256(bytes)))

const call = (n: number, header: Header, more: Partial<VectorFrame> = {}): VectorFrame => ({
  flags: ['REQ', 'START', 'END'],
  app: storageService.app,
  corr_id: corrOf(n),
  payload: { record: { header: { utf8: JSON.stringify(header) } } },
  ...more
})

const ask = (n: number, header: Header): Step => ({ send: call(n, header) })

/** A put whose body comes in frames of so many bytes, the first of them with START. */
const putting = (n: number, body: Buffer, members: Header = {}, frameBytes = 50_000): Step => {
  const payload = (bytes: Buffer): Bytes => bytes.toString('hex')
  const header = { utf8: JSON.stringify({ op: 'put', ...members }) }
  const first = body.subarray(0, frameBytes)
  const rest: VectorFrame[] = []
  for (let at = frameBytes; at < body.length; at += frameBytes)
    rest.push(call(n, {}, { flags: ['REQ'], payload: payload(body.subarray(at, at + frameBytes)) }))
  return {
    send: [
      call(n, {}, { flags: ['REQ', 'START'], payload: { record: { header, body: payload(first) } } }),
      ...rest,
      call(n, {}, { flags: ['REQ', 'END'], payload: '' })
    ]
  }
}

const refused = (n: number, code: number, reason: string): Step => ({
  expect: { flags: ['RESP', 'END'], app: storageService.app, corr_id: corrOf(n), code, reason }
})

const answered = (n: number, json: Header): Step => ({ expect: { corr_id: corrOf(n), code: 0, json } })

/** A put of bytes that fit into one leaf, and its answer. */
const stored = (n: number, body: Buffer, members?: Header): Step[] => [
  putting(n, body, members),
  answered(n, { cid: leafId(body), len: body.length })
]

/** A put whose content id the node alone says, and a call about it. */
const aboutLast = (n: number, header: Header): Step => ({
  send_after: frames => call(n, { ...header, cid: cidIn(frames) })
})

const cidIn = ([frame]: readonly DecodedFrame[]): string => textOf(parseJson(frame!.payload)['cid'])

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

const putAnswered = (n: number, length: number): Step => ({
  expect_such: {
    corr_id: corrOf(n),
    words: `a content id, and the length ${length}`,
    fault: ([frame]) => {
      const { cid, len } = parseJson(frame!.payload)
      return typeof cid === 'string' && len === length ? undefined : JSON.stringify({ cid, len })
    }
  }
})

/** An answer to get whose body proves these bytes of the blob, or is these bytes. */
const bytesAnswered = (
  n: number,
  content: Buffer,
  range: ByteRange = {},
  form: 'dag' | 'raw' = 'dag'
): Step => {
  const { offset = 0, length = Infinity } = range
  const expected = content.subarray(offset, offset + length)
  return {
    expect_such: {
      corr_id: corrOf(n),
      words: `${expected.length} bytes from ${offset} on, as ${form}`,
      keeps: true,
      fault: frames => {
        const [first, ...rest] = frames
        const status = expected.length < content.length ? 206 : 0
        if (first!.code !== status) return `the code ${first!.code} in place of ${status}`
        const { header } = decodeRecord(first!.payload)
        if (
          header['total_len'] !== content.length ||
          header['length'] !== expected.length ||
          header['offset'] !== offset
        )
          return JSON.stringify(header)
        const body = Buffer.concat(rest.map(({ payload }) => payload))
        const plain = form === 'raw' ? body : proved(textOf(header['cid']), range, body)
        return plain.equals(expected) ? undefined : `${plain.length} other bytes`
      }
    }
  }
}

function proved(cid: string, range: ByteRange, body: Buffer): Buffer {
  const verifier = dagVerifier({ cid: parseCid(cid), ...range, sha256: () => createHash('sha256') })
  const plain = verifier.push(body).flatMap(block => block.plain)
  verifier.end()
  return Buffer.concat(plain)
}

const bitsAnswered = (n: number, bits: number): Step => ({
  expect_such: {
    corr_id: corrOf(n),
    words: `the bits ${bits.toString(2)}`,
    fault: frames => {
      const { body } = decodeRecord(Buffer.concat(frames.map(({ payload }) => payload)))
      return body.length === 1 && body[0] === bits ? undefined : Buffer.from(body).toString('hex')
    }
  }
})

const CASES: readonly Case[] = [
  {
    id: 'put-get',
    about: 'a blob of one leaf has the plain hash of its bytes, and comes back proved and as it is',
    steps: own => [
      ...stored(1, own),
      ask(2, { op: 'get', cid: leafId(own) }),
      bytesAnswered(2, own),
      ask(3, { op: 'get', cid: leafId(own), form: 'raw', offset: 3, length: 5 }),
      bytesAnswered(3, own, { offset: 3, length: 5 }, 'raw')
    ]
  },
  {
    id: 'leaves',
    about: 'a blob of several leaves, whole and in a range, each block proved by the one before',
    steps: own => {
      const content = Buffer.alloc(3 * LEAF_BYTES + 7, own)
      const range = { offset: LEAF_BYTES - 1, length: 2 }
      return [
        putting(1, content),
        putAnswered(1, content.length),
        aboutLast(2, { op: 'get' }),
        bytesAnswered(2, content),
        aboutLast(3, { op: 'get', ...range }),
        bytesAnswered(3, content, range)
      ]
    }
  },
  {
    id: 'empty',
    about: 'the empty blob is one leaf without bytes',
    steps: () => {
      const nothing = Buffer.alloc(0)
      return [...stored(1, nothing), ask(2, { op: 'get', cid: leafId(nothing) }), bytesAnswered(2, nothing)]
    }
  },
  {
    id: 'bad-range',
    about: 'a range behind the end is 400 bad_range',
    steps: own => [
      ...stored(1, own),
      ask(2, { op: 'get', cid: leafId(own), offset: own.length }),
      refused(2, 400, 'bad_range'),
      { expect: 'alive' }
    ]
  },
  {
    id: 'absent',
    about: 'what is not there is 404 not_found, whatever is asked of it',
    steps: own =>
      ['get', 'delete', 'pin', 'unpin', 'stat'].flatMap((op, n) => [
        ask(n + 1, { op, cid: leafId(own) }),
        refused(n + 1, 404, 'not_found')
      ])
  },
  {
    id: 'bad-cid',
    about: 'what is no content id is 400 bad_cid, one of another kind 400 unsupported_cid',
    steps: own => {
      const [cid, hash] = [leafId(own), sha256(own)]
      const other = `b${base32(Buffer.concat([Buffer.of(1, 0x71, 0x12, 32), hash]))}`
      return [
        ...['', 'hello', cid.toUpperCase(), cid.slice(0, -1), `${cid}/..`].flatMap((wrong, n) => [
          ask(n + 1, { op: 'get', cid: wrong }),
          refused(n + 1, 400, 'bad_cid')
        ]),
        ask(10, { op: 'get', cid: other }),
        refused(10, 400, 'unsupported_cid'),
        { expect: 'alive' }
      ]
    }
  },
  {
    id: 'absurd-numbers',
    about: 'members out of their bounds are 400 bad_request',
    steps: own =>
      [
        { op: 'get', cid: leafId(own), offset: -1 },
        { op: 'get', cid: leafId(own), length: 0 },
        { op: 'get', cid: leafId(own), form: 'car' },
        { op: 'has', cids: [] },
        { op: 'list', max: 1e9 },
        { op: 'put', class: 'secret' }
      ].flatMap((wrong, n) => [ask(n + 1, wrong), refused(n + 1, 400, 'bad_request')])
  },
  {
    id: 'bad-digest',
    about: 'a blob that is not the one that was expected is 409 bad_digest, and is not kept',
    steps: own => [
      putting(1, own, { cid: leafId(Buffer.from('another')) }),
      refused(1, 409, 'bad_digest'),
      ask(2, { op: 'has', cids: [leafId(own)] }),
      bitsAnswered(2, 0)
    ]
  },
  {
    id: 'has',
    about: 'has answers with a bit for each, the lowest first',
    steps: own => [
      ...stored(1, own),
      ask(2, { op: 'has', cids: [leafId(sha256(own)), leafId(own), leafId(own)] }),
      bitsAnswered(2, 0b110)
    ]
  },
  {
    id: 'broken-off',
    about: 'a put whose stream is reset leaves nothing that can be seen',
    steps: own => [
      { send: call(1, {}, { flags: ['REQ', 'START'], payload: started(own) }) },
      { reset: true },
      { wait_ms: OVER_MS },
      { open: true },
      ask(2, { op: 'has', cids: [leafId(own)] }),
      bitsAnswered(2, 0)
    ]
  },
  {
    id: 'delete',
    about: 'what was deleted is there no more, and a pinned blob stays',
    steps: own => [
      ...stored(1, own, { pin: true }),
      ask(2, { op: 'delete', cid: leafId(own) }),
      refused(2, 409, 'blob_pinned'),
      ask(3, { op: 'unpin', cid: leafId(own) }),
      answered(3, { cid: leafId(own), pinned: false }),
      ask(4, { op: 'delete', cid: leafId(own) }),
      answered(4, { cid: leafId(own) }),
      ask(5, { op: 'get', cid: leafId(own) }),
      refused(5, 404, 'not_found')
    ]
  },
  {
    id: 'unknown-operation',
    about: 'an operation that storage does not have is 404 unknown_operation',
    steps: () => [ask(1, { op: 'gett' }), refused(1, 404, 'unknown_operation'), { expect: 'alive' }]
  }
]

const started = (body: Buffer): Bytes => ({
  record: { header: { utf8: '{"op":"put"}' }, body: body.toString('hex') }
})

/** Of any bytes: a content id of another kind cannot be written by the code that refuses it. */
function base32(bytes: Buffer): string {
  const bits = Array.from(bytes, byte => byte.toString(2).padStart(8, '0')).join('')
  return bits.replaceAll(
    /.{1,5}/g,
    five => 'abcdefghijklmnopqrstuvwxyz234567'[parseInt(five.padEnd(5, '0'), 2)]!
  )
}
