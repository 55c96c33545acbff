import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import * as protocols from 'omnigate/protocols'
import { applicationKnowledge } from './kernel.ts'
import { root, sources } from './source.ts'

// index.ts names the services that the package exports; it is the only file of protocols/ that does.
const KERNEL = ['protocols/*.ts', 'node/listener/*.ts', 'node/admission/*.ts', 'transport/**/*.ts']
const kernel = sources(...KERNEL)
kernel.delete('protocols/index.ts')

/** What every map and datastore calls its methods: types of libraries are taken apart by these names. */
const METHODS: readonly string[] = ['get', 'has', 'put', 'delete']

const registry = JSON.parse(readFileSync(`${root}registry/app_proto_ids.json`, 'utf8')) as Record<
  string,
  unknown
>
const rows = Object.values(registry).filter(Array.isArray).flat() as { id?: string; name: string }[]
const registered = rows.filter(({ id }) => id !== undefined && Number(id) !== 0)
const tables = Object.values<unknown>(protocols).filter(isTable)
const known = {
  names: new Set([
    ...registered.map(({ name }) => name),
    ...tables.flatMap(({ name, operations }) => [
      name,
      ...Object.keys(operations).filter(name => !METHODS.includes(name)),
      ...Object.values(operations).map(({ verb }) => verb)
    ])
  ]),
  ids: registered.map(({ id }) => Number(id))
}

test('frames and sessions are looked at, and there are applications to look for', () => {
  const files = [
    'frame',
    'frame-decoder',
    'client-session',
    'server-session',
    'stream-reader',
    'frame-writer'
  ]

  assert.deepEqual(
    files.filter(name => !kernel.has(`protocols/${name}.ts`)),
    []
  )
  for (const name of ['echo', 'ticks', 'echo:call', 'admin:status', 'mailbox'])
    assert.ok(known.names.has(name), name)
  assert.ok(known.ids.includes(0x0201))
})

for (const [file, source] of kernel) {
  test(`${file} knows no application`, () => {
    assert.deepEqual(applicationKnowledge(source, known), [])
  })
}

const KNOWING: readonly string[] = [
  'if (frame.app === 1) return',
  'if (0x8001 === frame.app) return',
  'if (frame.app >= 0x1000) return',
  'const START = { app: 3, flags: 1 }',
  'switch (frame.app) {}',
  'const MAILBOX = 0x0201',
  `if (header.op === 'ticks') return`,
  'if (header.op === "echo") return',
  'const verb = `echo:call`',
  `import { echoService } from './services/echo.ts'`
]

for (const source of KNOWING) {
  test(`refused in the frame and session code: ${source}`, () => {
    assert.equal(applicationKnowledge(source, known).length, 1)
  })
}

const UNKNOWING: readonly string[] = [
  'if (frame.app === 0) return',
  `checkRange('app', app ?? 0, 0xffff)`,
  'if (app < 1 || app > 0xffff) throw new RangeError()',
  'const FLAG = { REQ: 0x01, RESP: 0x02 }',
  '// an operation such as echo, app === 1',
  `if (op === 'cancel') return`
]

for (const source of UNKNOWING) {
  test(`allowed in the frame and session code: ${source}`, () => {
    assert.deepEqual(applicationKnowledge(source, known), [])
  })
}

function isTable(value: unknown): value is protocols.ServiceTable {
  return typeof value === 'object' && value !== null && 'operations' in value && 'app' in value
}
