import assert from 'node:assert/strict'
import { hash, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import {
  DIRECTED_MESSAGE,
  LEAST_TREATY,
  formatSigned,
  grantOf,
  signStatement
} from '../../federation/index.ts'
import type { Facts } from '../../federation/index.ts'
import { OapError } from '../../protocols/index.ts'
import { SHARE, sharingHub, treatyOf } from '../exchange/hubs.fixture.ts'
import { barePeer } from '../links/bare-peer.fixture.ts'
import { until } from '../links/hubs.fixture.ts'
import { hexOf, messageKeys } from '../links/message-keys.fixture.ts'

const [TOPIC, BODY] = ['dispatch/a', Buffer.from('bed 7')]
const ROW = { share: SHARE, dir: 'both', tenant: randomBytes(16).toString('hex'), topics: ['dispatch/**'] }
const grant = grantOf({ ...LEAST_TREATY, rows: [{ ...ROW, relay: false }] } as never)

test(
  'nothing is taken from a hub over a new link, and nothing asked of it, before its keys were read over that',
  { timeout: 240_000 },
  async t => {
    const node = await sharingHub(t)
    const { hub, hubKey, message, nowS, keys, answers } = messageKeys()
    let mayRead = false
    const askedWhen: boolean[] = []
    const onStream = answers({
      keys: request => {
        if (!mayRead) throw new OapError('saturated')
        return keys(request)
      },
      share_state: () => {
        askedWhen.push(mayRead)
        return { rows: [], more: false }
      }
    })
    const treaty = () => grant as unknown as Facts['treaty']
    const peer = await barePeer(t, { hubKey, onStream, treaty })
    await node.operator.federation.peer_add({ hub, addresses: [], body: treatyOf(node) })
    const { federation, shake } = await peer.dial(node.address)
    const signed = signStatement(DIRECTED_MESSAGE, message, {
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
      topic: TOPIC
    })
    const delivered = async (): Promise<string> => {
      try {
        await federation.deliver({ statement: formatSigned(signed), body: BODY })
        return 'stored'
      } catch (error) {
        return error instanceof OapError ? error.code : String(error)
      }
    }
    const answer = (than: string) =>
      until(async () => {
        const code = await delivered()
        return code !== 'saturated' && code !== than && code
      }, 'an answer')
    assert.equal((await shake(node.id)).kind, 'linked')

    const before = await answer('')
    const depth = async () =>
      (await node.operator.mailbox.stats({ topic: TOPIC }, { tenant: node.tenant })).depth
    const kept = await depth()
    mayRead = true

    assert.deepEqual([before, kept], ['not_ready', 0])
    assert.equal(await answer('not_ready'), 'stored')
    await until(async () => askedWhen.length > 0, 'a question about the share')
    assert.ok(askedWhen.every(Boolean), 'asked before its keys were read')
    assert.equal(await depth(), 1)
  }
)
