import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { pulls } from './streams.ts'
import { root, sources } from './source.ts'

// What is read with `for await` and the like in shipped code, and why it cannot be a stream of a stranger: reading one
// so buffers without bound whatever it sends. A new row needs the same kind of reason.
const BOUNDED: readonly (readonly [file: string, what: string, why: string])[] = [
  [
    'protocols/body-queue.ts',
    'Symbol.asyncIterator',
    'defines it: a queue whose held bytes pause the session'
  ],
  ['protocols/server-call.ts', 'Symbol.asyncIterator', 'defines it: the body of a call that has none'],
  ['protocols/client.ts', 'call.queue', 'a body queue'],
  ['protocols/client-session.ts', 'upload!', 'pieces of our own application'],
  ['protocols/server-answer.ts', 'chunks', 'the answer of our own handler'],
  ['protocols/server-answer.ts', 'events', 'the events of our own handler'],
  ['protocols/storage/block-frames.ts', 'blocks', 'blocks of our own store'],
  ['protocols/storage/block-frames.ts', 'blockChunks', 'blocks of our own store'],
  ['sdk/answer.ts', 'Symbol.asyncIterator', 'hands a body queue on'],
  [
    'sdk/body-once.ts',
    'Symbol.asyncIterator',
    'the pieces of a request, as fast as the other side takes them'
  ],
  [
    'sdk/http/events.ts',
    'Symbol.asyncIterator',
    'defines it: the next piece is asked for once its events are read'
  ],
  [
    'sdk/http/exchange.ts',
    'Symbol.asyncIterator',
    'defines it: pieces of an answer, each read when it is asked for'
  ],
  [
    'sdk/http/storage-http.ts',
    'Symbol.asyncIterator',
    'a body that the application makes, pulled as it is sent, or up to a bound'
  ],
  ['sdk/http/storage-http.ts', 'Symbol.asyncIterator', 'asks which of the two kinds it is'],
  ['sdk/reading.ts', 'Symbol.asyncIterator', 'hands a body queue on, with its errors in their classes'],
  [
    'sdk/storage/blob-stream.ts',
    'Symbol.asyncIterator',
    'defines it: blocks that were proved, as they are read'
  ],
  ['sdk/storage/blob-stream.ts', 'opened.body', 'a body queue, pulled once what came before was read'],
  ['sdk/storage/blob-stream.ts', 'this', 'the same, up to a bound'],
  ['node/snapshots/fetching.ts', 'body', 'a body queue, pulled once what came before is proved, up to 4 MiB'],
  ['node/start/refused-requests.ts', 'log.lines', 'one line of our own log'],
  ['node/policy/admin-handlers.ts', 'rows', 'rows of our own quarantine'],
  ['node/stores/ams/envelope-store.ts', 'keys', 'keys of our own store, 2000 at most'],
  ['node/ams/stored-artifacts.ts', 'dagWalk', 'blocks of our own store, as fast as the reader takes them'],
  ['node/policy/explaining.ts', 'log.lines', 'the newest lines of our own log'],
  ['sdk/mailbox/mailbox.ts', 'Symbol.asyncIterator', 'defines it: deliveries within credit'],
  ['sdk/mailbox/subscription.ts', 'events', 'a body queue, within credit'],
  ['dht/fetch/blob-fetch.ts', 'dagWalk', 'blocks of our own shelf, as many as its reader asks for'],
  ['dht/fetch/blob-fetch.ts', 'this.blocks', 'the same'],
  [
    'dht/fetch/blob-fetch.ts',
    'Symbol.asyncIterator',
    'providers, pulled one by one while one is needed, up to a bound'
  ],
  [
    'dht/fetch/read-answer.ts',
    'Symbol.asyncIterator',
    'a body queue, pulled once what came before is proved and kept'
  ],
  ['dht/find/kad-routing.ts', 'this.#kad.findProviders', 'events of a query that its caller ends'],
  ['dht/find/kad-routing.ts', 'this.#kad.provide', 'events of a query, a few for each of the closest peers'],
  [
    'dht/find/provider-search.ts',
    'Symbol.asyncIterator',
    'defines it: providers that were found, each once, pulled one by one'
  ],
  ['dht/find/provider-search.ts', 'routing.findProviders', 'twenty peers, within a deadline'],
  ['dht/provide/provide-rows.ts', 'rows.#roots.keys', 'keys of our own store'],
  ['dht/provide/provide-rows.ts', 'rows.#times.keys', 'keys of our own store'],
  ['dht/records/dht-records.ts', 'records.#rows.keys', 'keys of our own store'],
  [
    'dht/records/dht-records.ts',
    'this.#rows.iterator',
    'rows of our own store, as many as its bounds let in'
  ],
  ['dht/import/import-blob.ts', 'source', 'pieces of our caller, asked for one by one'],
  ['node/audit/audit-log.ts', 'readLines', 'lines of our own files, each bounded'],
  ['node/audit/audit-service.ts', 'pieces', 'pieces of our own lines'],
  ['node/audit/line-walk.ts', 'claimed', 'lines of a file, each bounded'],
  ['node/audit/line-walk.ts', 'Symbol.asyncIterator', 'chunks of lines of a file, read one ahead'],
  ['node/audit/line-walk.ts', 'begun.map', 'a list'],
  ['node/audit/line-walk.ts', 'step.value.lines.map', 'a list'],
  ['node/audit/lines.ts', 'pieces', 'pieces of a file; a line beyond the bound ends it'],
  ['node/audit/lines.ts', 'linesIn', 'lines of a file, each bounded'],
  ['node/audit/opening.ts', 'readLines', 'lines of our own files, each bounded'],
  ['node/audit/verify-log.ts', 'readLines', 'lines of a file, each bounded'],
  ['node/blobs/fetching-service.ts', 'fetcher.search', 'providers, at most twenty, within a deadline'],
  ['node/blobs/fetching-service.ts', 'body', 'blocks that were proved, pulled as the caller takes them'],
  ['node/blobs/named-peers.ts', 'Symbol.asyncIterator', 'defines it: a body queue, pulled by its reader'],
  ['node/calls/audit-routes.ts', 'now', 'a body queue, pulled as the reader takes it'],
  ['node/calls/audit-routes.ts', 'await', 'a body queue, pulled as the reader takes it'],
  ['node/calls/route.ts', 'Symbol.asyncIterator', 'defines one without pieces'],
  [
    'node/calls/event-stream.ts',
    'Symbol.asyncIterator',
    'a body queue, within credit, pulled as the reader takes it'
  ],
  ['node/calls/storage-routes.ts', 'Symbol.asyncIterator', 'leaves a body queue unread'],
  ['node/gateway/bodies.ts', 'pieces', 'blocks of our own store, pulled as the reader takes them'],
  ['node/gateway/car-blocks.ts', 'dagWalk', 'blocks of our own store'],
  ['node/allowlist/admin-handlers.ts', 'rows', 'rows of our own, as many as are kept'],
  ['node/capabilities/admin-handlers.ts', 'rows', 'rows of our own, as many as are kept'],
  ['node/handlers/storage-answer.ts', 'blocks', 'blocks of our own store'],
  ['node/handlers/storage-answer.ts', 'pieces', 'blocks of our own store'],
  ['node/witness/admin-handlers.ts', 'rows', 'proofs that are held, at most sixteen of each hub'],
  ['node/mailbox/sweep.ts', 'this.#topic', 'looks at our own store, each pulled by a tick'],
  ['node/mailbox/sweep.ts', 'this.#purge', 'looks at our own store, each pulled by a tick'],
  ['node/mailbox/sweep.ts', 'this.#expireOld', 'looks at our own store, each pulled by a tick'],
  ['node/mailbox/sweep.ts', 'this.#boundReady', 'looks at our own store, each pulled by a tick'],
  ['node/mailbox/sweep.ts', 'this.#boundDead', 'looks at our own store, each pulled by a tick'],
  ['node/blobs/repairs.ts', 'store.roots.reaching', 'rows of our own store'],
  ['node/stores/blobs/blockstore.ts', 'pairs', 'blocks of our caller, asked for one by one'],
  ['node/stores/blobs/blockstore.ts', 'cids', 'content ids of our caller, asked for one by one'],
  ['node/stores/blobs/blockstore.ts', 'this.#blocks.list', 'rows of our own store'],
  ['node/stores/blobs/blockstore.ts', 'pieces', 'pieces of our caller, counted against the bound of a block'],
  ['node/stores/blobs/compact.ts', 'segments.scan', 'records of our own files'],
  ['node/stores/blobs/compact.ts', 'rowsIn', 'rows of our own store'],
  ['node/stores/blobs/fsck.ts', 'rowsOf', 'rows of our own store'],
  ['node/stores/blobs/fsck-holds.ts', 'rowsOf', 'rows of our own store'],
  [
    'node/stores/blobs/fsck-holds.ts',
    'childrenOf',
    'rows of our own store, each with the links of one block'
  ],
  ['node/stores/blobs/purge.ts', 'rowsOf', 'rows of our own store'],
  ['node/stores/blobs/reaching.ts', 'rowsOf', 'rows of our own store'],
  ['node/stores/blobs/row-walk.ts', 'found', 'a list'],
  ['node/stores/mailbox/tallies.ts', 'this.#known.values', 'counts of our own, one a topic'],
  ['cli/audit-lines.ts', 'body', 'a body queue; a line beyond the bound ends it'],
  ['cli/audit-lines.ts', 'bytes.toString', 'a list'],
  ['node/doctor/examine.ts', 'await', 'rows of an allowlist, which is bounded'],
  ['cli/commands/audit-export.ts', 'auditLines', 'entries of our own log, each bounded'],
  ['cli/commands/audit-tail.ts', 'auditLines', 'entries of our own log, each bounded'],
  ['cli/blob/download.ts', 'body', 'a body queue, pulled once what came before is proved and written'],
  ['cli/commands/blob-add.ts', 'bytes', 'a file or standard input, pulled as fast as the node takes it'],
  ['cli/echo-file.ts', 'body', 'a body queue'],
  ['cli/every.ts', 'await', 'lists that our own node bounds'],
  ['cli/commands/mailbox-send.ts', 'lines', 'lines of a file or standard input of our own user'],
  ['cli/commands/mailbox-subscribe.ts', 'await', 'a body queue, within credit'],
  ['cli/commands/mailbox-peek.ts', 'inPages', 'pages that are asked for one by one, up to a count'],
  ['cli/commands/mailbox-dlq.ts', 'inPages', 'pages that are asked for one by one, up to a count'],
  ['cli/mailbox/bodies.ts', 'input', 'standard input, counted against a bound'],
  [
    'cli/mailbox/lines.ts',
    'input',
    'a file or standard input of our own user; a line beyond the bound ends it'
  ],
  ['cli/commands/peer-accept.ts', 'process.stdin', 'standard input, counted against a bound'],
  ['cli/treaty-file.ts', 'process.stdin', 'standard input, counted against a bound'],
  ['cli/token-input.ts', 'stream', 'standard input, counted against a bound'],
  ['cli/frame/hex-input.ts', 'stream', 'standard input, counted against a bound'],
  ['cli/commands/conformance.ts', 'runConformance', 'results of our own'],
  ['cli/conformance/run.ts', 'inLanes', 'results of our own'],
  ['cli/conformance/run.ts', 'results', 'results of our own']
]

const shipped = sources('{protocols,transport,dht,federation,node,sdk,cli}/**/*.ts')
const pulled = [...shipped].flatMap(([file, source]) => pulls(source).map(what => `${file}: ${what}`))
const allowed = BOUNDED.map(([file, what]) => `${file}: ${what}`)

test('whatever is pulled from an async iterable has a reason why it is bounded', () => {
  assert.deepEqual(
    pulled.filter(each => !allowed.includes(each)),
    []
  )
})

test('every reason is still about something', () => {
  assert.deepEqual(
    allowed.filter(each => !pulled.includes(each)),
    []
  )
})

for (const source of [
  'for await (const chunk of stream) use(chunk)',
  'for await (const { data } of connection.streams[0]) {}',
  'await Array.fromAsync(stream)',
  'const reader = stream[Symbol.asyncIterator]()',
  'yield* stream',
  'Readable.from(stream)',
  'ReadableStream.from(stream)',
  'source.pipe(target)',
  'source.pipeTo(target)',
  `const utils = await import('@libp2p/utils')`
]) {
  test(`counted as pulling: ${source}`, () => assert.equal(pulls(source).length, 1))
}

test('a comment about for await pulls nothing', () => {
  assert.deepEqual(pulls('// for await (const chunk of stream)\nfor (const a of b) {}'), [])
})

const FOLDERS = ['protocols', 'transport', 'dht', 'federation', 'node', 'sdk', 'cli']
const UTILS = '@libp2p/utils'
const HELPERS: readonly string[] = [
  ...['lpStream', 'byteStream', 'pbStream', 'pipe', 'messageStreamToDuplex', 'echo'].map(
    name => `import { ${name} } from '${UTILS}'; export const used = ${name}`
  ),
  `import { lpStream as bounded } from '${UTILS}'; export const used = bounded`,
  `import * as utils from '${UTILS}'; export const used = utils`,
  `export { byteStream } from '${UTILS}'`,
  `export * from '${UTILS}'`,
  ...['it-pipe', 'it-length-prefixed', 'it-length-prefixed-stream', 'it-byte-stream'].map(
    name => `import { used } from '${name}'; export { used }`
  )
]

const refusedIn = lintAll(HELPERS)

for (const [at, line] of HELPERS.entries()) {
  for (const folder of FOLDERS) {
    test(`the linter refuses in ${folder}: ${line}`, () => {
      assert.match(refusedIn, new RegExp(`${folder}/case-${at}\\.ts:.*no-restricted-imports`))
    })
  }
}

/** What the linter says of all lines, each in a file of its own in every folder: one run, as each takes a second. */
function lintAll(lines: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'omnigate streams '))
  after(() => rmSync(folder, { recursive: true }))
  copyFileSync(join(root, 'oxlint.config.ts'), join(folder, 'oxlint.config.ts'))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction')
  for (const name of FOLDERS) {
    mkdirSync(join(folder, name))
    for (const [at, line] of lines.entries()) writeFileSync(join(folder, name, `case-${at}.ts`), `${line}\n`)
  }
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [join(root, 'node_modules', 'oxlint', 'bin', 'oxlint'), '-f', 'unix'],
    { cwd: folder, encoding: 'utf8' }
  )
  assert.equal(status, 1, stderr)
  return stdout
}
