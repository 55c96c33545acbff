import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { connectAdmin } from 'omnigate'
import type { AdminClient } from 'omnigate'
import { echoService } from 'omnigate/protocols'
import { goIsMissing } from '../go-build.ts'
import { buildGoPeer } from '../go-peer.ts'
import { RustPeer, buildRustPeer, rustIsMissing } from '../rust-peer.ts'
import type { RustVerdict } from '../rust-peer.ts'
import { SHARED, allow, get, providersOf, put } from '../storage/operator.ts'
import { sample } from '../storage/sample.ts'
import { GoHub, until } from './go-hub.ts'
import { Hub } from './hub.ts'

const VERBS = ['echo:call', ...SHARED.verbs]
const TREATY = { ...SHARED, verbs: VERBS }

describe('the Rust peer as a hub', { skip: rustIsMissing() ?? false, timeout: 1_500_000 }, () => {
  let ours: Hub
  let operator: AdminClient
  let peer: string

  before(async () => {
    buildRustPeer()
    ours = await Hub.start()
    operator = await connectAdmin(ours.data)
    peer = ours.address.split('/p2p/')[1]!
  })
  after(async () => {
    await operator?.[Symbol.asyncDispose]()
    await ours?.[Symbol.asyncDispose]()
  })

  /** A Rust hub and ours that allow each other; ours dials it where it is told its address. */
  async function allowed({ dialled = false } = {}): Promise<RustPeer> {
    const rust = await RustPeer.start()
    await rust.does('allow', { hub: ours.id, verbs: VERBS })
    await allow(operator, rust, { treaty: TREATY, ...(dialled && { address: rust.address }) })
    return rust
  }

  const link = (rust: RustPeer): Promise<RustVerdict> =>
    rust.does('link', { hub: ours.id, address: ours.address })

  const echo = (rust: RustPeer): Promise<RustVerdict> =>
    rust.does('echo', { address: ours.address, text: 'over the link', bytes: 3000 })

  /** Our node echoes over the link. */
  async function echoThere(rust: RustPeer): Promise<string> {
    const { request, answer } = echoService.operations.echo
    const { head, body } = request.encode('echo', { body: Buffer.from('hi from ours') }, {})
    const hub = { hub: rust.id, app: echoService.app, body: Buffer.concat([head, body]) }
    return Buffer.from(answer.decode(await operator.links.relay(hub))).toString()
  }

  const isUp = (rust: RustPeer) =>
    until(
      () => operator.federation.peer_show({ hub: rust.id }),
      ({ link: is }) => is === 'up'
    )

  const isMember = (rust: RustPeer) =>
    until(
      async () => (await operator.dht.dht_peers({})).peers,
      peers => peers.includes(rust.peer)
    )

  test('dials our node, proves itself, and both call each other under their treaties', async () => {
    await using rust = await allowed()

    const before = await echo(rust)
    const verdict = await link(rust)

    assert.deepEqual([before.status, before.code], [401, 'cap_missing'])
    assert.deepEqual([verdict.linked, verdict.hub, verdict.verbs], [true, ours.id, VERBS.toSorted()])
    await isUp(rust)
    assert.deepEqual(await echo(rust), { same: true })
    assert.equal(await echoThere(rust), 'hi from ours')
    const entries = await ours.audited('handshake')
    assert.equal(entries.at(-1)!['transcript'], verdict.transcript)
    assert.equal((await link(rust)).refused, 'second_handshake')
  })

  test('is dialled by our node, and hears what the treaty has become', async () => {
    await using rust = await allowed({ dialled: true })

    await isUp(rust)
    const { linked, transcript } = await rust.does('knows', { hub: ours.id })

    assert.equal(linked, true)
    assert.equal((await ours.audited('handshake')).at(-1)!['transcript'], transcript)
    assert.equal(await echoThere(rust), 'hi from ours')
    await operator.federation.treaty_edit({
      hub: rust.id,
      body: Buffer.from(JSON.stringify({ verbs: ['mailbox:send'] }))
    })
    await until(
      () => rust.does('knows', { hub: ours.id }),
      ({ verbs = [] }) => verbs[0] === 'mailbox:send'
    )
    await operator.federation.peer_remove({ hub: rust.id })
    await until(
      () => rust.does('knows', { hub: ours.id }),
      ({ linked: is }) => is === false
    )
  })

  test('is told no more than the text lets a hub be told that is not allowed, and links with no other than it dialled for', async () => {
    await using rust = await RustPeer.start()
    await rust.does('allow', { hub: ours.id, verbs: VERBS })

    const stranger = await link(rust)
    await rust.does('allow', { hub: rust.id, verbs: VERBS })
    const other = await rust.does('link', { hub: rust.id, address: ours.address })

    assert.deepEqual([stranger.status, stranger.code, stranger.linked], [403, 'not_allowlisted', undefined])
    assert.equal(other.refused, 'other_hub')
  })

  test('pairs by an invite of ours, then links, and both operators saw one fingerprint', async () => {
    await using rust = await RustPeer.start()
    const { code: invite } = await operator.links.pair_invite({})

    const paired = await until(
      () => rust.does('pair', { invite }),
      ({ status }) => status !== 429
    )

    assert.deepEqual([paired.linked, paired.hub], [false, ours.id])
    const { waiting } = await operator.links.pair_state({})
    assert.deepEqual(
      waiting.map(({ hub, fingerprint }) => [hub, fingerprint]),
      [[rust.id, paired.fingerprint]]
    )
    const again = await until(
      () => rust.does('pair', { invite }),
      ({ status }) => status !== 429
    )
    assert.deepEqual([again.status, again.code], [403, 'not_allowlisted'])
    await operator.links.pair_confirm({ hub: rust.id, fingerprint: paired.fingerprint! })
    await rust.does('allow', { hub: ours.id, verbs: VERBS })
    assert.equal((await link(rust)).linked, true)
  })

  test('invites ours, and both operators see one fingerprint', async () => {
    await using rust = await RustPeer.start()
    const { invite } = await rust.does('invite')

    const { fingerprint } = await operator.links.pair_accept({ code: invite! })

    assert.equal((await rust.does('knows', { hub: ours.id })).fingerprint, fingerprint)
    await operator.links.pair_decline({ hub: rust.id })
    await assert.rejects(operator.links.pair_accept({ code: invite! }), /not_allowlisted/)
  })

  test('is a member of the DHT: each finds what the other provides, and fetches it', async () => {
    await using rust = await allowed()
    await link(rust)
    await isMember(rust)
    const bytes = sample('ours in the DHT', 70_000)
    const cid = await put(operator, bytes)
    const theirs = String((await rust.does('keep', { text: 'theirs in the DHT', bytes: 70_000 })).cid)

    const { providers } = await until(
      () => rust.does('providers', { cid }),
      ({ providers: found = [] }) => found.length > 0
    )
    const fetched = await rust.does('fetch', { address: ours.address, cid })
    await rust.does('provide', { cid: theirs })

    assert.deepEqual(providers, [peer])
    assert.deepEqual([fetched.bytes, fetched.lie], [70_000, undefined])
    await using far = await Hub.start()
    await using farOperator = await connectAdmin(far.data)
    await allow(operator, far)
    await allow(farOperator, ours, { address: ours.address })
    await far.link(ours, 'up')
    const found = await until(
      () => providersOf(farOperator, theirs),
      ({ length }) => length > 0
    )
    assert.deepEqual(found, [[rust.peer, 'dht']])
    assert.deepEqual(await get(farOperator, theirs), sample('theirs in the DHT', 70_000))
  })

  test(
    'and the Go peer link with each other, and find in one DHT with ours what each of three provides',
    { skip: goIsMissing() ?? false },
    async () => {
      buildGoPeer()
      await using rust = await allowed()
      await using go = await GoHub.start('--dht')
      await go.does('allow', { hub: ours.id, verbs: SHARED.verbs })
      await go.does('allow', { hub: rust.id, verbs: SHARED.verbs })
      await rust.does('allow', { hub: go.id, verbs: VERBS })
      await allow(operator, go)

      const withGo = await rust.does('link', { hub: go.id, address: go.address })
      const atGo = await go.does('knows', { hub: rust.id })
      await link(rust)
      await go.does('link', { hub: ours.id, address: ours.address })
      await isMember(rust)
      await until(
        async () => (await operator.dht.dht_peers({})).peers,
        peers => peers.includes(go.peer)
      )

      assert.deepEqual([withGo.linked, withGo.hub], [true, go.id])
      assert.deepEqual(atGo.verbs, VERBS.toSorted())
      const mine = String((await rust.does('keep', { text: 'of Rust', bytes: 100 })).cid)
      const theirs = String((await go.does('keep', { text: 'of Go', bytes: 100 })).cid)
      const cid = await put(operator, sample('of ours', 100))
      await rust.does('provide', { cid: mine })
      await go.does('provide', { cid: theirs })
      for (const [asked, provider] of [
        [theirs, go.peer],
        [cid, peer]
      ] as const)
        assert.deepEqual(
          (
            await until(
              () => rust.does('providers', { cid: asked }),
              ({ providers = [] }) => providers.length > 0
            )
          ).providers,
          [provider]
        )
      for (const [asked, provider] of [
        [mine, rust.peer],
        [cid, peer]
      ] as const) {
        const { providers = [] } = await until(
          () => go.does('providers', { cid: asked }),
          ({ providers: found = [] }) => found.length > 0
        )
        assert.deepEqual(
          providers.map(one => one.peer),
          [provider]
        )
      }
    }
  )
})
