import assert from 'node:assert/strict'
import { test } from 'node:test'
import { signingKey } from '../../federation/index.ts'
import { capabilitiesService } from '../../protocols/index.ts'
import { barePeer } from '../links/bare-peer.fixture.ts'
import { entriesOf, until } from '../links/hubs.fixture.ts'
import { messageKeys } from '../links/message-keys.fixture.ts'
import { sharingHub, treatyOf } from './hubs.fixture.ts'
import type { RevocationNews } from './following.ts'
import { newsBytes } from './news-text.ts'
import { NOW_S, endOf, revoker } from './news.fixture.ts'

const [key, other] = [revoker(1), revoker(2)]
const list = key.revoke([{ kid: 7 }, { kid: 8 }])
const forged = { ...key.delegation, signature: other.delegation.signature }
const NONE: RevocationNews = { delegations: [], statements: [], head: undefined }

/** What a hub says of its revocations that is wrong, and why. */
const WRONG: readonly (readonly [string, RevocationNews])[] = [
  ['delegation', { ...NONE, delegations: [forged] }],
  ['statement', { ...NONE, statements: list }],
  ['head_key', { ...NONE, head: key.headAt(endOf(list), NOW_S) }]
]

test(
  'what a linked hub says wrongly of its revocations is counted and recorded by name, and nothing of it is taken',
  { timeout: 240_000 },
  async t => {
    const node = await sharingHub(t, { flags: { 'http.enabled': true, 'http.listen': '127.0.0.1:0' } })
    const { hub, hubKey, answers } = messageKeys(signingKey(new Uint8Array(32).fill(21)))
    const evil = await barePeer(t, { hubKey, onStream: answers() })
    await node.operator.federation.peer_add({ hub, addresses: [], body: treatyOf(node) })
    const { caller, shake } = await evil.dial(node.address)
    assert.equal((await shake(node.id)).kind, 'linked')
    const say = (news: RevocationNews) =>
      until(
        () =>
          caller
            .client(capabilitiesService)
            .revoked({ body: newsBytes(news) })
            .catch(() => undefined),
        'an answer'
      )

    for (const [why, news] of WRONG) assert.deepEqual(await say(news), { seq: 0 }, why)

    const recorded = await until(async () => {
      const entries = await entriesOf(node, 'revocations_refused')
      return entries.length >= WRONG.length && entries
    }, 'the entries')
    assert.deepEqual(
      recorded.map(({ hub: from, code }) => [from, code]),
      WRONG.map(([why]) => [hub, why])
    )
    const metrics = await (await fetch(`${String(node.node.status().http)}/metrics`)).text()
    for (const [why] of WRONG)
      assert.ok(metrics.includes(`revocations_refused_total{reason="${why}"} 1\n`), why)
    assert.match(metrics, /^followed_revocations 0$/m)
  }
)
