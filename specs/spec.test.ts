import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { describe, test } from 'node:test'
import { parseReasons } from './reasons-table.ts'
import { decodeFrame } from './reference-decoder.ts'

const read = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8')
const texts = readdirSync(new URL('.', import.meta.url)).filter(name => name.endsWith('.md'))
const oap1 = read('oap-1.md')

const CLOSED_LIST = `
  bad_frame bad_version bad_sequence bad_payload frame_oversize body_oversize ratio_cap decompress_cap
  credit_violation unknown_app unknown_operation bad_request not_found conflict cap_missing cap_foreign
  cap_expired cap_revoked cap_denied quota_peer quota_tenant quota_capability saturated not_ready draining
  mailbox_full quarantine_full disk_full deadline slow_peer not_allowlisted not_shared read_only policy
  upstream internal crash_exception crash_store crash_listener crash_start`
  .trim()
  .split(/\s+/)

const STATUSES = new Set([400, 401, 402, 403, 404, 408, 409, 413, 429, 500, 502, 503, 504])

const NUMBERS: Readonly<Record<string, number>> = {
  header_bytes: 4 + 1 + 2 + 2 + 2 + 16 + 2 + 8,
  min_len: 37 - 4,
  max_frame: 1024 ** 2,
  max_frame_least: 4096,
  max_payload_without_cap: 1024 ** 2 - 33,
  max_chunk: 64 * 1024,
  max_inflight: 64,
  dropped_frames_until_reset: 16,
  draining_ms: 15_000,
  first_frame_ms: 5_000,
  frame_ms: 15_000,
  idle_ms: 60_000,
  stalled_write_ms: 60_000,
  deadline_ms_most: 2 ** 31 - 1,
  hello_burst: 10,
  hello_per_second: 1,
  refusals_at_once: 100,
  refusals_per_second: 1000,
  refusals_hold_ms_least: 10,
  refusals_hold_ms_most: 1000,
  delay_ms: 100,
  initial_credit: 64 * 1024,
  json_bytes: 64 * 1024,
  json_depth: 16,
  json_integer_most: 2 ** 53 - 1,
  error_message_bytes: 1024,
  retry_after_ms_least: 1_000,
  retry_after_ms_most: 5_000,
  inflate_ratio: 10,
  inflate_bytes: 8 * 1024 ** 2,
  zstd_window_bytes: 8 * 1024 ** 2,
  inbound_budget_bytes: 64 * 1024 ** 2,
  inbound_streams_per_peer: 256,
  stranger_buffer_bytes: 1024 ** 2,
  stranger_streams: 8,
  stranger_calls: 4,
  stranger_linger_ms: 10_000,
  stranger_share_percent: 25,
  strangers_per_prefix: 8,
  strangers_busy_percent: 25,
  strangers_waiting: 256,
  strangers_wait_ms: 5_000
}

const OBJECTS: Readonly<Record<string, readonly string[]>> = {
  'hello-request': [],
  'hello-answer':
    'version server_version max_frame max_inflight supported_flags flags_supported oap_versions versions transports pq revocation_seq apps'.split(
      ' '
    ),
  control: ['op', 'corr'],
  error: ['code', 'message', 'retryable', 'corr_id'],
  'request:echo': ['op'],
  'request:stream': ['op'],
  'request:ticks': ['op', 'count', 'interval_ms'],
  'request:work': ['op', 'ms'],
  'event:ticks': ['n'],
  'answer:work': ['ms'],
  'request:send': ['op', 'topic'],
  'answer:send': ['msg_id', 'duplicate'],
  'answer:send_batch': ['results'],
  delivery: 'msg_id topic priority sent_at expires_at attempt lease deadline'.split(' '),
  'request:ack': ['op', 'topic', 'items'],
  'answer:ack': ['results'],
  'answer:stats': 'topic depth bytes in_flight delayed oldest_ms dead dead_bytes'.split(' '),
  'answer:dlq_redrive': ['redriven', 'more'],
  receipt: ['delegation', 'signature', 'statement'],
  'request:get': ['op', 'cid'],
  'answer:get': ['cid', 'offset', 'length', 'total_len'],
  'request:has': ['op', 'cids'],
  'request:put': ['op'],
  'answer:put': ['cid', 'len'],
  'answer:list': ['blobs'],
  'answer:providers': ['providers'],
  'answer:stat': ['blobs', 'bytes', 'bytes_most'],
  'request:probe': ['op'],
  'answer:probe': ['time', 'revocation_seq']
}

/** What oap-1.md itself prints; services print their own. */
const OF_OAP1 = Object.keys(OBJECTS).filter(
  kind => !/:(send|ack|stats?|dlq|probe|get|has|put|list|providers)|^(delivery|receipt)$/.test(kind)
)

interface Block {
  readonly where: string
  readonly language: string
  readonly kind: string
  readonly body: string
}

function blocks(name: string): Block[] {
  const found = read(name).matchAll(/^```(\S*)[ ]?(.*)\n([\s\S]*?)^```$/gm)
  return Array.from(found, ([, language = '', kind = '', body = ''], n) => ({
    where: `${name}, block ${n + 1}`,
    language,
    kind,
    body: body.trim()
  }))
}

function judgeHex({ kind, body }: Block): void {
  for (const line of body.split('\n')) {
    assert.match(line, /^([0-9a-f]{2})+$/)
    const bytes = Buffer.from(line, 'hex')
    const decoded = decodeFrame(bytes)
    if (kind === 'valid') {
      assert.equal(decoded.outcome, 'frame')
      assert.equal(decoded.outcome === 'frame' ? decoded.next : 0, bytes.length, 'bytes behind the frame')
    } else assert.equal(`invalid:${decoded.outcome}`, kind)
  }
}

function judgeJson({ kind, body }: Block): void {
  const members = OBJECTS[kind]
  assert.ok(members, `${kind}: no such kind of object`)
  const object = JSON.parse(body) as Record<string, unknown>
  for (const member of members) assert.ok(member in object, `${member} is missing`)
  const [family, op] = kind.split(':')
  if (family === 'request') assert.equal(object['op'], op)
  for (const name of ['corr', 'corr_id']) {
    if (name in object) assert.match(String(object[name]), /^[0-9a-f]{16}$/)
  }
}

const JUDGES: Readonly<Record<string, (block: Block) => void>> = { hex: judgeHex, json: judgeJson }

describe('every block printed in a specification says what it is, and is it', () => {
  for (const block of texts.flatMap(blocks)) {
    test(`${block.where}: ${block.language} ${block.kind}`, () => {
      const judge = JUDGES[block.language]

      assert.ok(judge, `language ${block.language || 'none'}: hex or json was expected`)
      assert.notEqual(block.kind, '')
      judge(block)
    })
  }

  test('oap-1.md prints valid and invalid frames, and every kind of object', () => {
    const kinds = new Set(blocks('oap-1.md').map(({ kind }) => kind))

    for (const kind of ['valid', 'invalid:bad_frame', ...OF_OAP1]) assert.ok(kinds.has(kind), kind)
  })
})

describe('the table of reasons', () => {
  const rows = parseReasons(oap1)
  const byName = new Map(rows.map(row => [row.reason, row]))

  test('holds exactly the closed list, in its order', () => {
    assert.deepEqual(
      rows.map(({ reason }) => reason),
      CLOSED_LIST
    )
  })

  test('gives every reason a status in use', () => {
    for (const { reason, status } of rows) assert.ok(STATUSES.has(status), `${reason}: ${status}`)
  })

  test('says that what carries a retry time may be retried', () => {
    for (const { reason, status, retryable } of rows) {
      if (status === 429 || status === 503) assert.ok(retryable, reason)
    }
  })

  test('lets every reason that the text names with a status be found under that status', () => {
    const named = Array.from(oap1.matchAll(/\b([45][0-9]{2}) `([a-z_]+)`|`([a-z_]+)` ([45][0-9]{2})\b/g))
    const pairs = named.map(([, s1, r1, r2, s2]) => ({ reason: r1 ?? r2 ?? '', status: Number(s1 ?? s2) }))

    assert.ok(pairs.length > 20)
    for (const { reason, status } of pairs) {
      const isNoOperation = reason === 'unknown_operation' && status === 400
      if (!isNoOperation) assert.equal(byName.get(reason)?.status, status, `${status} ${reason}`)
    }
  })

  const table = (row: string): string =>
    `| reason | status | retry | blame | meaning |\n| - | - | - | - | - |\n${row}\n`
  for (const [what, row] of [
    ['a cell too few', '| a | 400 | no | peer |'],
    ['an unknown status', '| a | 200 | no | peer | x |'],
    ['an unknown retry', '| a | 400 | maybe | peer | x |'],
    ['an unknown blame', '| a | 400 | no | nobody | x |'],
    ['no meaning', '| a | 400 | no | peer | |'],
    ['a name that is not snake case', '| aB | 400 | no | peer | x |']
  ] as const) {
    test(`is refused with ${what}`, () => {
      assert.throws(() => parseReasons(table(row)), /table of reasons/)
    })
  }

  test('is refused when it is missing, and when there are two', () => {
    assert.throws(() => parseReasons('no table here'), /found 0/)
    assert.throws(() => parseReasons(table('') + table('')), /found 2/)
  })
})

describe('the table of numbers', () => {
  const rows = Array.from(oap1.matchAll(/^\| ([a-z_]+) +\| (\d+) +\| ([a-zA-Z, ]+?) *\|$/gm))

  test('holds exactly the numbers of the protocol', () => {
    assert.deepEqual(Object.fromEntries(rows.map(([, name, value]) => [name, Number(value)])), NUMBERS)
  })

  test('names each number once', () => {
    assert.equal(rows.length, Object.keys(NUMBERS).length)
  })

  test('says of each who may change it', () => {
    const who = new Set(['fixed', 'lower', 'operator', 'lower, or HELLO', 'the call'])
    for (const [, name, , answer] of rows) assert.ok(who.has(answer ?? ''), `${name}: ${answer}`)
  })
})

describe('the sections', () => {
  const numbers = Array.from(oap1.matchAll(/^#{2,3} (\d+(?:\.\d+)?)\.? /gm), ([, number]) => number ?? '')

  test('are numbered without a gap', () => {
    const expected = numbers.map((_, at) => {
      const [top = 0, sub = 0] = (numbers[at - 1] ?? '0').split('.').map(Number)
      return numbers[at]!.includes('.') ? `${top}.${sub + 1}` : `${top + 1}`
    })

    assert.deepEqual(numbers, expected)
  })

  test('that the text refers to exist', () => {
    for (const [, number] of oap1.matchAll(/\bsections? (\d+(?:\.\d+)?)/g))
      assert.ok(numbers.includes(number!), number)
  })
})
