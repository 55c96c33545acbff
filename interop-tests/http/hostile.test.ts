import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { after, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { constants, brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { ADMIN, Hub } from './hub.ts'
import { raw } from './raw.ts'

const hub = await Hub.start()
after(async () => {
  const { faults } = hub
  await hub[Symbol.asyncDispose]()
  assert.deepEqual(faults, [])
})

const SHED = 503
const SHED_TIMES = 60

/** What is answered once a hub on a busy machine no longer sheds load: it asks to come again after a second. */
async function unshed<T>(ask: () => Promise<T>, statusOf: (answer: T) => number | undefined): Promise<T> {
  for (let times = 1; ; times++) {
    const answer = await ask()
    if (statusOf(answer) !== SHED || times === SHED_TIMES) return answer
    await pause(1000)
  }
}

const HOST = 'Host: localhost'
const LAST = 'Connection: close'
const TOKEN = `Authorization: Bearer ${ADMIN}`
const SEND = 'POST /mailbox/v1/send?topic=smuggled HTTP/1.1'
/** What must not be done: it stands where a proxy and the hub could disagree on where a request ends. */
const HIDDEN = `GET /ams/v1/hidden HTTP/1.1\r\n${HOST}\r\n\r\n`
const CHUNKED = 'Transfer-Encoding: chunked'

const request = (line: string, headers: readonly string[], body = ''): string =>
  [line, HOST, ...headers, '', body].join('\r\n')
const posted = (headers: readonly string[], body: string): string =>
  request(SEND, [TOKEN, 'Content-Type: text/plain', ...headers], body)

const SMUGGLED: readonly (readonly [string, string])[] = [
  ['a length and chunks', posted(['Content-Length: 5', CHUNKED], `0\r\n\r\n${HIDDEN}`)],
  ['chunks and a length', posted([CHUNKED, 'Content-Length: 5'], `0\r\n\r\n${HIDDEN}`)],
  ['two lengths', posted(['Content-Length: 0', `Content-Length: ${HIDDEN.length}`], HIDDEN)],
  ['two lengths in one line', posted(['Content-Length: 5, 5'], `hello${HIDDEN}`)],
  ['a length with a sign', posted(['Content-Length: +5'], `hello${HIDDEN}`)],
  ['a length in hex', posted(['Content-Length: 0x5'], `hello${HIDDEN}`)],
  ['a length beyond all numbers', posted(['Content-Length: 99999999999999999999'], HIDDEN)],
  ['a coding that is none', posted(['Transfer-Encoding: xchunked'], HIDDEN)],
  ['chunks that are not the last coding', posted(['Transfer-Encoding: chunked, identity'], HIDDEN)],
  ['a space before the colon', posted(['Transfer-Encoding : chunked'], `0\r\n\r\n${HIDDEN}`)],
  ['a header that goes on', posted(['Transfer-Encoding:', ' chunked'], `0\r\n\r\n${HIDDEN}`)],
  ['a vertical tab in a coding', posted(['Transfer-Encoding: \x0bchunked'], `0\r\n\r\n${HIDDEN}`)],
  ['a zero byte in a header', posted(['X-A: a\0b', 'Content-Length: 0'], HIDDEN)],
  [
    'a line that ends in a bare carriage return',
    posted(['X-A: a\rContent-Length: 0', 'Content-Length: 5'], HIDDEN)
  ],
  ['a chunk of a length with a sign', posted([CHUNKED], `-1\r\nx\r\n0\r\n\r\n${HIDDEN}`)],
  ['a chunk of a length in words', posted([CHUNKED], `0x1\r\nx\r\n0\r\n\r\n${HIDDEN}`)],
  [
    'a chunk of a length beyond all numbers',
    posted([CHUNKED], `fffffffffffffffff\r\nx\r\n0\r\n\r\n${HIDDEN}`)
  ],
  ['a chunk that is longer than it says', posted([CHUNKED], `1\r\nxyz\r\n0\r\n\r\n${HIDDEN}`)],
  ['a chunk that ends in a bare line feed', posted([CHUNKED], `1\nx\n0\n\n${HIDDEN}`)],
  [
    'extensions of a chunk without end',
    posted([CHUNKED], `1;${'a=b;'.repeat(8000)}\r\nx\r\n0\r\n\r\n${HIDDEN}`)
  ],
  ['trailers without end', posted([CHUNKED], `0\r\n${'X-A: b\r\n'.repeat(8000)}\r\n${HIDDEN}`)],
  [
    'lines that end in bare line feeds',
    request(SEND, [TOKEN, 'Content-Length: 0']).replaceAll('\r\n', '\n') + HIDDEN
  ],
  [
    'a whole address',
    request('GET http://localhost/healthz HTTP/1.1', []) + HIDDEN.replace('/ams', '\0/ams')
  ],
  ['a version that is none', request('GET /healthz HTTP/1.10', []) + HIDDEN],
  ['the first words of HTTP/2', `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${HIDDEN}`],
  ['a method in small letters', request('get /healthz HTTP/1.1', []) + HIDDEN],
  ['bytes that are no text in the path', request('GET /\xff\xfe HTTP/1.1', [LAST])],
  ['a path of 9,000 bytes', request(`GET /${'a'.repeat(9000)} HTTP/1.1`, []) + HIDDEN],
  [
    'a flood of headers',
    request(
      'GET /healthz HTTP/1.1',
      Array.from({ length: 3000 }, (_, n) => `X-${n}: 1`)
    ) + HIDDEN
  ],
  ['one header of 64 KiB', request('GET /healthz HTTP/1.1', [`X-A: ${'a'.repeat(65_536)}`]) + HIDDEN]
]

for (const [what, bytes] of SMUGGLED)
  test(`${what}: one refusal at most, in the one form, and the connection ends`, async () => {
    const { statuses, text } = await raw(hub.port, bytes)

    assert.ok(statuses.length <= 1, text)
    // The connection may end under what was still being sent.
    if (statuses.length === 0) return assert.ok(bytes.length > 8000, 'it was not answered')
    assert.ok([400, 404, 421, 431, 413].includes(statuses[0]!), text)
    const problem = JSON.parse(text.slice(text.indexOf('\r\n\r\n'))) as Record<string, unknown>
    assert.deepEqual(Object.keys(problem), ['ok', 'error', 'message', 'request_id'])
    assert.ok(!text.includes(ADMIN))
  })

test('garbage behind a request is refused, and what follows is not read', async () => {
  const { statuses } = await raw(hub.port, `${request('GET /healthz HTTP/1.1', [])}\x16\x03\x01\0\0${HIDDEN}`)

  // What is malformed may be known before the request in front of it has been answered.
  assert.ok(['200,400', '400'].includes(statuses.join()), statuses.join())
})

test('an expectation that is none is a problem as every other', async () => {
  const { statuses, text } = await raw(hub.port, request('GET /healthz HTTP/1.1', [LAST, 'Expect: nonsense']))

  assert.deepEqual(statuses, [417])
  assert.match(text, /"ok":false,"error":"bad_request"/)
})

test('a tunnel is not opened', async () => {
  const { statuses } = await raw(hub.port, `CONNECT evil.example:443 HTTP/1.1\r\n${HOST}\r\n\r\n${HIDDEN}`)

  assert.ok(statuses.length <= 1 && statuses.every(status => status >= 400), statuses.join())
})

const UP = ['..', '%2e%2e', '..%2f..', '%2e%2e%2f%2e%2e', '..%5c..', '..%c0%af..', '....//..', '%252e%252e']
const ROOTS = [
  '',
  '/.well-known',
  '/ams/v1/artifacts',
  '/storage/v1',
  '/ipfs',
  '/snapshots/v1/1',
  '/routing/v1/providers'
]
const WANTED = ['etc/passwd', 'keys%2fhub.key', 'etc%2fpasswd%00.json', 'hub.key']

test('no path leads out of what is served, however it is written', async () => {
  const targets = ROOTS.flatMap(root =>
    UP.flatMap(up => WANTED.map(wanted => `${root}/${`${up}/`.repeat(6)}${wanted}`))
  )
  const asked = [...targets, '//etc/passwd', '/\\..\\..\\etc\\passwd', '/file:///etc/passwd']

  for (const target of asked) {
    const { statuses, text } = await unshed(
      () => raw(hub.port, request(`GET ${target} HTTP/1.1`, [LAST, TOKEN])),
      answer => answer.statuses[0]
    )
    assert.ok(statuses.length === 1 && statuses[0]! >= 400 && statuses[0]! < 500, `${target}: ${text}`)
    assert.doesNotMatch(text, /root:|PRIVATE KEY/, target)
  }
})

test('a key of an artifact that looks like a path is a name, and no file', async () => {
  const target = '/ams/v1/artifacts/..%2f..%2f..%2fescaped'
  await raw(
    hub.port,
    request(`PUT ${target} HTTP/1.1`, [LAST, TOKEN, 'Content-Type: text/plain', 'Content-Length: 1'], 'x')
  )

  const files = await readdir(hub.folder, { recursive: true })

  assert.ok(files.length > 5 && files.every(file => !file.includes('escaped')), files.join())
})

const ZEROS = Buffer.alloc(128 * 2 ** 20)
const BOMBS: readonly (readonly [string, Buffer])[] = [
  ['gzip', gzipSync(ZEROS)],
  ['deflate', deflateSync(ZEROS)],
  ['br', brotliCompressSync(ZEROS, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } })],
  ['zstd', zstdCompressSync(ZEROS)],
  ['gzip, gzip', gzipSync(gzipSync(ZEROS))]
]
const TAKING = [
  ['POST', '/ams/v1/envelopes'],
  ['POST', '/ams/v1/sync'],
  ['PUT', '/ams/v1/artifacts/bomb'],
  ['POST', '/mailbox/v1/send_batch'],
  ['PUT', '/storage/v1/bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq']
] as const

test('nothing that is packed is unpacked: 415, and no memory is taken for it', async () => {
  const before = hub.memory().now

  for (const [coding, bytes] of BOMBS)
    for (const [method, path] of TAKING) {
      const headers = {
        authorization: `Bearer ${ADMIN}`,
        'content-type': 'application/json',
        'content-encoding': coding
      }
      const answer = await unshed(
        () =>
          fetch(`${hub.url}${path}`, { method, headers, body: new Uint8Array(bytes) }).catch(() => undefined),
        got => got?.status
      )
      if (answer !== undefined) assert.equal(answer.status, 415, `${coding} to ${path}`)
    }

  assert.ok(hub.memory().most - before < 100, `${hub.memory().most - before} MiB`)
  assert.equal((await fetch(`${hub.url}/healthz`)).status, 200)
})

test('headers that never end are 408, and those that come in time are served meanwhile', async () => {
  const slow = Array.from({ length: 100 }, () => raw(hub.port, `GET /healthz HTTP/1.1\r\n${HOST}\r\nX-A: b`))

  const { statuses } = await raw(hub.port, request('GET /healthz HTTP/1.1', [LAST]))
  const ended = await Promise.all(slow)

  assert.deepEqual(statuses, [200])
  assert.ok(ended.every(({ statuses: [status] }) => status === 408))
})

test('who is 600 times there at once is let in as far as there is room, and leaves it to others afterwards', async () => {
  const asking = request('GET /healthz HTTP/1.1', [LAST])

  const answers = await Promise.all(Array.from({ length: 600 }, () => raw(hub.port, asking)))
  const later = await raw(hub.port, asking)

  assert.ok(answers.every(({ statuses }) => statuses.length === 0 || statuses[0] === 200))
  assert.ok(answers.some(({ statuses: [status] }) => status === 200))
  assert.deepEqual(later.statuses, [200])
})
