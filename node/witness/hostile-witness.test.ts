import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LEAST_TREATY, formatWitnessRequest, grantOf } from '../../federation/index.ts'
import type { Facts } from '../../federation/index.ts'
import { OapError } from '../../protocols/index.ts'
import { barePeer } from '../links/bare-peer.fixture.ts'
import type { BareConnection } from '../links/bare-peer.fixture.ts'
import { entriesOf, linkTo, startHub, until } from '../links/hubs.fixture.ts'
import type { TestHub } from '../links/hubs.fixture.ts'
import { messageKeys } from '../links/message-keys.fixture.ts'
import { leavesOf, logHub, logOf } from './log.fixture.ts'

type Federation = BareConnection['federation']
type TestLog = ReturnType<typeof logOf>

const treaty = (): Facts['treaty'] =>
  grantOf({ ...LEAST_TREATY, witness: true }) as unknown as Facts['treaty']
const bytes = (text: string): Uint8Array => Buffer.from(text)
const [log, fork] = [logOf(leavesOf(30)), logOf(leavesOf(30, 3))]
const forged = (size: number): string => log.note(size).replace(`\n${size}\n`, `\n${size + 1}\n`)

function asked(of: TestLog, old: number, size: number, note?: string) {
  const { request, oldRoot, delegation } = of.asks(old, size)
  const body = Buffer.from(formatWitnessRequest({ ...request, ...(note !== undefined && { note }) }))
  return { old_root: Buffer.from(oldRoot).toString('hex'), delegation, body }
}

/** What a linked hub says that is wrong: the operation, and the code of what it is told. */
const WRONG: readonly (readonly [string, (f: Federation) => Promise<unknown>, string])[] = [
  ['equivocation', f => f.equivocation({ body: bytes('') }), 'form'],
  ['equivocation', f => f.equivocation({ body: bytes('{"v":1}') }), 'form'],
  ['head', f => f.head({ hub: logHub.id, delegation: '{}', body: bytes(log.note(9)) }), 'delegation'],
  ['head', f => f.head({ hub: logHub.id, delegation: log.delegation, body: bytes(forged(9)) }), 'signature'],
  ['witness', f => f.witness({ ...asked(log, 0, 9), body: bytes('old 0') }), 'bad_request'],
  ['witness', f => f.witness({ ...asked(log, 0, 9), delegation: '{}' }), 'delegation'],
  ['witness', f => f.witness(asked(log, 0, 9, forged(9))), 'signature']
]

test(
  'a linked hub whose proofs, heads and checkpoints are wrong is refused by name, counted and recorded, and nothing is cosigned',
  { timeout: 240_000 },
  async t => {
    const node = await startHub(t, { flags: { 'http.enabled': true, 'http.listen': '127.0.0.1:0' } })
    const { answers } = messageKeys(logHub.key)
    const evil = await barePeer(t, { hubKey: logHub.key, onStream: answers(), treaty })
    await node.operator.federation.peer_add({ hub: evil.hub, addresses: [], body: bytes('{"witness":true}') })
    const { federation, shake } = await evil.dial(node.address)
    assert.equal((await shake(node.id)).kind, 'linked')
    const answer = (call: () => Promise<unknown>) =>
      until(async () => calm(await codeOf(call())), 'an answer')

    for (const [operation, call, code] of WRONG)
      assert.equal(await answer(() => call(federation)), code, operation)
    const first = await answer(() => federation.witness(asked(log, 0, 20)))
    const older = await federation.witness(asked(log, 0, 10))
    const untrue = await answer(() => federation.witness(asked(fork, 0, 20)))

    assert.deepEqual([first, older.result, untrue], ['none', 'known', 'equivocation'])
    const recorded = (await entriesOf(node, 'refusal'))
      .filter(({ reason }) => reason === 'bad_request' || reason === 'conflict')
      .map(({ operation }) => operation)
    assert.deepEqual(recorded, [...WRONG.map(([operation]) => operation), 'witness'])
    const metrics = await (await fetch(`${String(node.node.status().http)}/metrics`)).text()
    assert.match(metrics, /^proofs_refused_total 2$/m)
    assert.match(metrics, /^checkpoints_cosigned_total 1$/m)
    assert.match((await linkTo(node, { id: evil.hub } as TestHub)).quarantine ?? '', /./)
  }
)

const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'none',
    (error: unknown) => (error instanceof OapError ? error.code : String(error))
  )

/** Undefined for what only says that a busy node is to be asked again. */
const calm = (code: string): string | undefined =>
  ['saturated', 'not_ready', 'no_key'].includes(code) ? undefined : code
