import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { connectAdmin } from 'omnigate'
import type { AdminClient } from 'omnigate'
import { echoService } from 'omnigate/protocols'
import type { OapError } from 'omnigate/protocols'
import { goIsMissing } from '../go-build.ts'
import { buildGoPeer } from '../go-peer.ts'
import { omnigate } from '../our-node.ts'
import { GoHub, refusalOf, until } from './go-hub.ts'
import { Hub } from './hub.ts'

/** The audit log takes ten refused handshakes a second, and counts others. */
const LOGGED_MS = 110

/** What `way` of the Go peer's handshake is told, and the code in our audit log where it is another. */
const WAYS: readonly [way: string, status: number, told: string, meant?: string][] = [
  ['hello with a space', 400, 'malformed'],
  ['hello that is too long', 400, 'malformed'],
  ['hello from the other', 403, 'reflected'],
  ['nonce of the other', 403, 'reflected'],
  ['hello to a third', 403, 'relayed'],
  ['hello from a third', 403, 'relayed'],
  ['nonce again', 403, 'replayed'],
  ['hello in versions to come', 400, 'unknown_version'],
  ['hello with other algs', 400, 'unknown_algorithm'],
  ['hello with an extension', 400, 'unknown_extension'],
  ['other federation', 403, 'other_federation'],
  ['hello again', 409, 'second_handshake'],
  ['proof first', 409, 'out_of_order'],
  ['proof with a space', 400, 'malformed'],
  ['facts without a treaty', 400, 'malformed'],
  ['proof of many values', 400, 'malformed'],
  ['treaty with a share twice', 400, 'malformed'],
  ['as responder', 403, 'reflected'],
  ['proof to a third', 403, 'relayed'],
  ['proof of before', 403, 'replayed'],
  ['proof with other nonces', 403, 'replayed'],
  ['proof with an extension', 400, 'unknown_extension'],
  ['other hub', 403, 'not_allowlisted'],
  ['delegation of another node', 403, 'not_allowlisted', 'wrong_key'],
  ['delegation by another hub', 403, 'not_allowlisted', 'wrong_key'],
  ['other signature', 403, 'not_allowlisted', 'wrong_key'],
  ['other facts', 403, 'not_allowlisted', 'wrong_key'],
  ['delegation that ended', 403, 'expired_delegation'],
  ['delegation that begins', 403, 'expired_delegation'],
  ['treaty that ends now', 403, 'expired_treaty'],
  ['pair without an invite', 403, 'not_allowlisted', 'no_invite']
]

/** How the Go peer answers where our node dials it, and why the link is then down. */
const ANSWERS: readonly [way: string, code: string][] = [
  ['challenge to another hello', 'replayed'],
  ['challenge to a third', 'relayed'],
  ['challenge in version 2', 'unknown_version'],
  ['challenge elsewhere', 'other_federation'],
  ['challenge too late', 'stalled'],
  ['other hub', 'other_hub'],
  ['delegation by another hub', 'wrong_key'],
  ['delegation that ended', 'expired_delegation'],
  ['proof to a third', 'relayed'],
  ['treaty that ends now', 'expired_treaty']
]

describe('the Go peer as a hub', { skip: goIsMissing() ?? false }, () => {
  let ours: Hub
  let operator: AdminClient

  before(async () => {
    buildGoPeer()
    ours = await Hub.start()
    operator = await connectAdmin(ours.data)
  })
  after(async () => {
    await operator?.[Symbol.asyncDispose]()
    await ours?.[Symbol.asyncDispose]()
  })

  /** A Go hub and ours that allow each other; ours dials it where it is told its address. */
  async function allowed({ dialled = false, options = [] as readonly string[] } = {}): Promise<GoHub> {
    const go = await GoHub.start(...options)
    await go.does('allow', { hub: ours.id, verbs: ['echo:call'] })
    await operator.federation.peer_add({ hub: go.id, addresses: dialled ? [go.address] : [] })
    return go
  }

  const link = (go: GoHub, way = '') => go.does('link', { hub: ours.id, address: ours.address, way })
  const echo = (go: GoHub) => go.does('call', { hub: ours.id, op: 'echo', text: 'hi from Go' })
  const ask = (go: GoHub, header: object) => go.does('ask', { hub: ours.id, text: JSON.stringify(header) })

  /** Our node echoes over the link. */
  async function echoThere(go: GoHub): Promise<string> {
    const { request, answer } = echoService.operations.echo
    const { head, body } = request.encode('echo', { body: Buffer.from('hi from ours') }, {})
    const hub = { hub: go.id, app: echoService.app, body: Buffer.concat([head, body]) }
    return Buffer.from(answer.decode(await operator.links.relay(hub))).toString()
  }

  /** Resolves once our link with a Go hub is so; yields why. */
  async function state(go: GoHub, wished: 'up' | 'down', because = ''): Promise<string> {
    const { why } = await until(
      () => operator.federation.peer_show({ hub: go.id }),
      ({ link: is, why: said }) => is === wished && said.includes(because)
    )
    return why
  }

  /** The data of the newest entries of a type in our audit log, oldest first. */
  async function audited(type: string, count: number): Promise<Record<string, unknown>[]> {
    const { stdout } = await omnigate(['audit', 'tail', '-n', '200', '--data', ours.data, '--json'])
    return stdout
      .map(line => JSON.parse(line) as { type: string; data: Record<string, unknown> })
      .filter(entry => entry.type === type)
      .slice(-count)
      .map(({ data }) => data)
  }

  test('dials our node, proves itself, and both call each other under their treaties', async () => {
    await using go = await allowed()

    const verdict = await link(go)

    assert.deepEqual([verdict.linked, verdict.hub, verdict.verbs], [true, ours.id, ['echo:call']])
    assert.deepEqual(await echo(go), { status: 0, body: 'hi from Go' })
    assert.equal(await echoThere(go), 'hi from ours')
    const { body: probed } = await ask(go, { op: 'probe' })
    assert.match(probed!, /^\{"time":\d+,"revocation_seq":\d+\}$/)
    const [entry] = await audited('handshake', 1)
    assert.equal(entry!['transcript'], verdict.transcript)
  })

  test('is told what our treaty does not let it do, and when that changes', async () => {
    await using go = await allowed()
    await link(go)

    const treaty = Buffer.from(JSON.stringify({ verbs: ['mailbox:send'] }))
    await operator.federation.treaty_edit({ hub: go.id, body: treaty })

    assert.deepEqual(refusalOf(await echo(go)), [403, 'cap_denied', 'verb'])
    const { verbs } = await until(
      () => go.does('knows', { hub: ours.id }),
      ({ verbs: granted }) => granted?.[0] !== 'echo:call'
    )
    assert.deepEqual(verbs, ['mailbox:send'])
    assert.equal(await echoThere(go), 'hi from ours')
  })

  test('tells what its hub key signed, and takes what ours revokes', async () => {
    await using go = await allowed()
    await link(go)
    const { delegations } = await until(
      () => operator.federation.peer_show({ hub: go.id }),
      ({ delegations: known }) => known === 2
    )
    assert.equal(delegations, 2)

    await ours.says(
      'key',
      'revoke',
      '--reason',
      'a test',
      '--key',
      '8139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b394'
    )

    const { revoked } = await until(
      () => go.does('revoked', { hub: ours.id }),
      ({ revoked: known }) => known === 1
    )
    assert.equal(revoked, 1)
    assert.equal((await echo(go)).status, 0)
  })

  test('lets its operator confirm that a hub goes on as another, which gets its treaty; nobody else', async () => {
    await using ending = await Hub.start()
    await using go = await GoHub.start()
    const linkTo = (hub: Hub, id: string) => go.does('link', { hub: id, address: hub.address })
    const before = ending.id
    await go.does('allow', { hub: before, verbs: ['echo:call'] })
    await ending.says('peer', 'add', go.id)
    assert.equal((await linkTo(ending, before)).linked, true)
    await ending.kill()
    await ending.says('key', 'succeed', '--reason', 'a test', '--yes')
    const file = await ending.says('key', 'export')
    await ending.run()
    const after = ending.id
    const confirm = async (hub: string, successor: string) =>
      (await go.does('succeed', { hub, successor })).refusal

    assert.equal(await confirm(before, after), 'not_successor')
    const { verdicts } = await go.does('learn', { text: JSON.stringify(file) })
    assert.deepEqual(verdicts, ['new'])
    assert.notEqual((await linkTo(ending, after)).linked, true)
    assert.equal(await confirm(before, ours.id), 'not_successor')
    assert.equal(await confirm(after, before), 'not_allowed')
    assert.equal(await confirm(before, after), '')

    assert.equal((await linkTo(ending, after)).linked, true)
    assert.equal(await confirm(before, after), 'not_allowed')
  })

  test('takes eight new_keys at once and one a second, and answers others quota_peer', async () => {
    await using go = await GoHub.start()
    await using teller = await GoHub.start()
    await go.does('allow', { hub: teller.id, verbs: ['echo:call'] })
    await teller.does('allow', { hub: go.id, verbs: ['echo:call'] })
    await teller.does('link', { hub: go.id, address: go.address })
    const [answers, began] = [[] as unknown[][], performance.now()]

    for (let n = 0; n < 20; n++) answers.push(refusalOf(await teller.does('news', { hub: go.id })))

    const taken = answers.filter(([status]) => status === 0).length
    const most = 8 + Math.ceil((performance.now() - began) / 1000)
    assert.ok(taken >= 8 && taken <= most, `${taken} of at most ${most}`)
    const refused = answers.filter(([status]) => status !== 0)
    assert.deepEqual(refused, Array(refused.length).fill([429, 'quota_peer', undefined]))
    assert.deepEqual(await teller.does('call', { hub: go.id, op: 'echo', text: 'hi' }), {
      status: 0,
      body: 'hi'
    })
  })

  test('refuses calls of ours that it did not grant', async () => {
    await using go = await allowed()
    await go.does('allow', { hub: ours.id, verbs: ['mailbox:send'] })
    await link(go)

    const refused = await echoThere(go).catch((error: unknown) => error as OapError)

    assert.ok(typeof refused === 'object')
    assert.deepEqual([refused.status, refused.code, refused.reason], [403, 'cap_denied', 'verb'])
    assert.equal((await echo(go)).status, 0)
  })

  test('is dialled by our node, and leaves it', async () => {
    await using go = await allowed({ dialled: true })
    await state(go, 'up')

    assert.deepEqual(await echo(go), { status: 0, body: 'hi from Go' })
    assert.equal(await echoThere(go), 'hi from ours')
    assert.equal((await go.does('remove', { hub: ours.id })).status, 0)

    await state(go, 'down', 'not_allowlisted')
    await operator.federation.peer_remove({ hub: go.id })
  })

  test('finds its link gone when our operator removes it', async () => {
    await using go = await allowed()
    await link(go)

    await operator.federation.peer_remove({ hub: go.id })

    await until(
      () => go.does('knows', { hub: ours.id }),
      ({ linked, connections = 0 }) => linked !== true && connections === 0
    )
    assert.deepEqual(refusalOf(await link(go)), [403, 'not_allowlisted', undefined])
  })

  for (const way of ['treaty out of order', 'treaty with more', 'proof on another session']) {
    test(`links with what the text leaves open: ${way}`, async () => {
      await using go = await allowed()

      assert.deepEqual((await link(go, way)).verbs, ['echo:call'])
      assert.deepEqual(await echo(go), { status: 0, body: 'hi from Go' })
    })
  }

  for (const [way, purpose] of [
    ['proof without signature', 'link'],
    ['pair without a mac', 'pair']
  ] as const) {
    test(`has sent no proof of a ${purpose} without what goes beside it: ${way}`, async () => {
      await using go = await allowed()

      assert.deepEqual(refusalOf(await link(go, way)), [400, 'bad_request', undefined])
    })
  }

  test('keeps its link where a proof comes again', async () => {
    await using go = await allowed()

    assert.deepEqual(refusalOf(await link(go, 'proof again')), [409, 'out_of_order', undefined])
    assert.deepEqual(await echo(go), { status: 0, body: 'hi from Go' })
  })

  /** Pairs once our node looks at it: it looks at one a second. */
  const pair = (go: GoHub, invite: string, way = '') =>
    until(
      () => go.does('pair', { invite, way }),
      ({ status }) => status !== 429
    )

  test('accepts an invite of ours, and both operators see one fingerprint', async () => {
    await using go = await GoHub.start()
    const { code: invite } = await operator.links.pair_invite({})

    const wrong = await pair(go, invite, 'other secret')
    const paired = await pair(go, invite)
    const again = await pair(go, invite)

    assert.deepEqual(refusalOf(wrong), [403, 'not_allowlisted', undefined])
    assert.deepEqual([paired.linked, paired.hub], [true, ours.id])
    assert.deepEqual(refusalOf(again), [403, 'not_allowlisted', undefined])
    const { waiting } = await operator.links.pair_state({})
    const shown = waiting.map(({ hub, fingerprint }) => [hub, fingerprint])
    assert.deepEqual(shown, [[go.id, paired.fingerprint]])
    await operator.links.pair_confirm({ hub: go.id, fingerprint: paired.fingerprint! })
    await go.does('allow', { hub: ours.id, verbs: ['echo:call'] })
    assert.equal((await link(go)).linked, true)
    assert.equal((await echo(go)).status, 0)
  })

  test('makes an invite void by five wrong proofs', async () => {
    await using go = await GoHub.start()
    const { code: invite } = await operator.links.pair_invite({})

    for (let n = 0; n < 5; n++) await pair(go, invite, 'other secret')

    assert.deepEqual(refusalOf(await pair(go, invite)), [403, 'not_allowlisted', undefined])
    assert.equal((await operator.links.pair_state({})).invite, 'void')
    const codes = (await audited('handshake_refused', 6)).map(({ code }) => code)
    assert.deepEqual(codes.slice(-2), ['wrong_secret', 'no_invite'])
  })

  test('invites ours, and both operators see one fingerprint', async () => {
    await using go = await GoHub.start()
    const { invite: code } = (await go.does('invite')) as { invite: string }

    const { fingerprint } = await operator.links.pair_accept({ code })

    const { waiting } = (await go.does('waiting')) as { waiting: Record<string, string> }
    assert.deepEqual(waiting, { [ours.id]: fingerprint })
    await operator.links.pair_decline({ hub: go.id })
    await assert.rejects(operator.links.pair_accept({ code }), /not_allowlisted/)
  })

  test('is told by its code what is wrong with its handshake, and our log says what was meant', async () => {
    await using go = await allowed()
    const told: unknown[] = []

    for (const [way] of WAYS) {
      told.push([way, ...refusalOf(await link(go, way)).slice(0, 2)])
      await sleep(LOGGED_MS)
    }

    assert.deepEqual(
      told,
      WAYS.map(([way, status, code]) => [way, status, code])
    )
    assert.deepEqual(
      (await audited('handshake_refused', WAYS.length)).map(({ code }) => code),
      WAYS.map(([, , code, meant]) => meant ?? code)
    )
    assert.equal((await link(go)).linked, true)
  })

  test('is refused for a proof that comes too late', async () => {
    await using go = await allowed()

    const late = await link(go, 'proof too late')

    assert.deepEqual(refusalOf(late), [409, 'out_of_order', undefined])
    const codes = (await audited('handshake_refused', 2)).map(({ code }) => code)
    assert.equal(codes[0], 'stalled')
  })

  test('is refused by our node for what it answers, each time with the code of it', async () => {
    await using stack = new AsyncDisposableStack()
    const downs: string[] = []

    for (const [way, code] of ANSWERS) {
      const go = stack.use(await allowed({ dialled: true, options: ['--stray', way] }))
      await state(go, 'down', code)
      downs.push(code)
      await operator.federation.peer_remove({ hub: go.id })
    }

    const codes = ANSWERS.map(([, code]) => code)
    assert.deepEqual(downs, codes)
    assert.deepEqual(
      (await audited('handshake_refused', codes.length)).map(({ code }) => code),
      codes
    )
  })
})
