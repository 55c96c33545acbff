import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OapError } from '../../protocols/index.ts'
import { barePeer } from './bare-peer.fixture.ts'
import type { BareConnection } from './bare-peer.fixture.ts'
import { entriesOf, startHub } from './hubs.fixture.ts'

const bytes = (text: string): Uint8Array => Buffer.from(text)
const listOf = (values: number): string => `{"x":[${Array(values).fill('1').join(',')}]}`

/** What a linked hub sends, and the only answers that it may get. */
const HOSTILE: readonly (readonly [string, (f: BareConnection['federation']) => Promise<unknown>, string])[] =
  [
    ['a page of line feeds', f => f.new_keys({ body: bytes('\n'.repeat(32_768)) }), 'bad_request'],
    ['a page of 577 lines', f => f.new_keys({ body: bytes('x\n'.repeat(577)) }), 'bad_request'],
    ['a treaty of 4,100 values', f => f.treaty({ body: bytes(listOf(4100)) }), 'bad_payload'],
    ['a treaty of 33,000 bytes', f => f.treaty({ body: bytes(listOf(16_500)) }), 'body_oversize']
  ]

test(
  'a hub of the allowlist that abuses what is for links is refused, and keeps nothing',
  { timeout: 240_000 },
  async t => {
    const a = await startHub(t)
    const evil = await barePeer(t)
    await a.operator.federation.peer_add({ hub: evil.hub, addresses: [], body: bytes('{"verbs":[]}') })
    const { federation, shake } = await evil.dial(a.address)
    assert.equal((await shake(a.id)).kind, 'linked')

    for (const [what, send, code] of HOSTILE) assert.equal(await codeOf(send(federation)), code, what)
    const flood = await Promise.all(Array.from({ length: 200 }, () => codeOf(federation.probe({}))))

    assert.ok(flood.includes('quota_peer'))
    assert.equal((await a.operator.federation.peer_show({ hub: evil.hub })).link, 'up')
    assert.deepEqual(await entriesOf(a, 'peer_key'), [])
  }
)

const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'none',
    (error: unknown) => (error instanceof OapError ? error.code : String(error))
  )
