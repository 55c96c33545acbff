import assert from 'node:assert/strict'
import { hash, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { DIRECTED_MESSAGE, formatSigned, signStatement } from '../../federation/index.ts'
import type { DirectedRefusal, DirectedStatement } from '../../federation/index.ts'
import { OapError } from '../../protocols/index.ts'
import { SHARE, sharingHub, treatyOf } from '../exchange/hubs.fixture.ts'
import { barePeer } from '../links/bare-peer.fixture.ts'
import { entriesOf, until } from '../links/hubs.fixture.ts'
import { hexOf, messageKeys } from '../links/message-keys.fixture.ts'

const TOPIC = 'dispatch/a'
const BODY = Buffer.from('bed 7')
const WINDOW_S = 3600

type Change = Partial<DirectedStatement> & {
  readonly forged?: boolean
  readonly line?: (line: string) => string
}

test(
  'a linked hub whose messages are wrong is refused by name, counted and recorded; one that is replayed is stored once',
  { timeout: 300_000 },
  async t => {
    const node = await sharingHub(t, { flags: { 'http.enabled': true, 'http.listen': '127.0.0.1:0' } })
    const { hub, hubKey, message, other, nowS, answers } = messageKeys()
    const evil = await barePeer(t, { hubKey, onStream: answers() })
    await node.operator.federation.peer_add({
      hub,
      addresses: [],
      body: treatyOf(node, { window_s: WINDOW_S })
    })
    const line = ({ forged = false, line: change = one => one, ...more }: Change = {}): string => {
      const statement: DirectedStatement = {
        at: nowS,
        body_bytes: BODY.length,
        body_sha256: hash('sha256', BODY, 'hex'),
        epoch: 1,
        expires: nowS + 600,
        hub,
        key: hexOf(message),
        nonce: randomBytes(16).toString('hex'),
        priority: 4,
        share: SHARE.id,
        to: node.id,
        topic: TOPIC,
        ...more
      }
      return change(formatSigned(signStatement(DIRECTED_MESSAGE, forged ? other : message, statement)))
    }
    const wrong: Readonly<Partial<Record<DirectedRefusal, string>>> = {
      bad_signature: line({ forged: true }),
      malformed: line({ line: one => one.slice(0, -1) }),
      oversize: line({ line: one => one.padEnd(28_673) }),
      wrong_origin: line({ hub: node.id }),
      not_shared: line({ topic: 'elsewhere/a' }),
      future: line({ at: nowS + 120, expires: nowS + 600 }),
      stale: line({ at: nowS - WINDOW_S - 100 }),
      unknown_key: line({ key: hexOf(other), forged: true })
    }
    const linked = async () => {
      const { federation, shake } = await evil.dial(node.address)
      assert.equal((await shake(node.id)).kind, 'linked')
      // Until the keys of a new link are read, and while the machine has too much to do, it has to come again.
      return (statement: string) =>
        until(
          async () =>
            await federation.deliver({ statement, body: BODY }).catch((error: unknown) => {
              if (error instanceof OapError && ['not_ready', 'saturated'].includes(error.code))
                return undefined
              throw error
            }),
          'an answer'
        )
    }

    const deliver = await linked()
    for (const [code, statement] of Object.entries(wrong))
      assert.equal(await codeOf(deliver(statement)), code)
    const good = line()
    const { receipt } = await deliver(good)
    const again = await (await linked())(good)

    assert.equal(again.receipt, receipt)
    const { items } = await node.operator.mailbox.recv(
      { topic: TOPIC, max: 256, ack: 'auto' },
      { tenant: node.tenant }
    )
    assert.deepEqual(
      items.map(({ body = [] }) => Buffer.from(body).toString()),
      ['bed 7']
    )
    const recorded = (await entriesOf(node, 'directed_refused')).map(({ hub: from, code }) => [from, code])
    assert.deepEqual(
      recorded,
      Object.keys(wrong).map(code => [hub, code])
    )
    const metrics = await (await fetch(`${String(node.node.status().http)}/metrics`)).text()
    for (const code of Object.keys(wrong))
      assert.ok(metrics.includes(`directed_refused_total{code="${code}"} 1\n`), code)
    assert.match(metrics, /^directed_messages_total\{outcome="repeated"\} 1$/m)
  }
)

const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'none',
    (error: unknown) => (error instanceof OapError ? error.code : String(error))
  )
