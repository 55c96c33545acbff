import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import {
  LEAST_TREATY,
  decodeInvite,
  hubId,
  inviteAuditId,
  publicBytes,
  secretDigest,
  signingKey
} from '../../federation/index.ts'
import type { Established, Moment, Outcome } from '../../federation/index.ts'
import type { OapError } from '../../protocols/index.ts'
import type { AllowedHub } from '../allowlist/index.ts'
import type { AuditEvent } from '../audit/index.ts'
import { Pairing } from './pairing.ts'

const hub = (n: number): string => hubId(publicBytes(signingKey(new Uint8Array(32).fill(n))))
const [SELF, OTHER, THIRD] = [hub(1), hub(2), hub(3)]
const ADDRESSES = ['/ip4/192.0.2.1/tcp/4801']
const BY = { actor: 'local' }

function pairing() {
  let now: Moment = { ms: 1_000_000, s: 1_795_000_000 }
  const allowed: { readonly hub: string; readonly addresses: readonly string[] }[] = []
  const events: AuditEvent[] = []
  const changes: string[] = []
  let written = Promise.resolve()
  const node = new Pairing({
    self: SELF,
    allowlist: {
      get: id => allowed.find(one => one.hub === id) as AllowedHub | undefined,
      add: async entry => {
        await written
        allowed.push(entry)
        return entry as AllowedHub
      }
    },
    now: () => now,
    random: randomBytes,
    record: async (event: AuditEvent) => {
      events.push(event)
      changes.push(event.content.data['change'] as string)
    },
    log: { info: () => undefined, warn: () => undefined }
  })
  const pass = (s: number): void => {
    now = { ms: now.ms + s * 1000, s: now.s + s }
    node.tick()
  }
  /** Nothing gets onto the allowlist until what this gives is called. */
  const hold = (): (() => void) => {
    const { promise, resolve } = Promise.withResolvers<void>()
    written = promise
    return resolve
  }
  return { node, pass, allowed, changes, events, hold }
}

/** A hub that proved, as `role` of this one, the invite of a digest. */
const peer = (id: string, role: 'initiator' | 'responder', invite?: Uint8Array): Established =>
  ({ kind: 'paired', role, hub: id, transcript: 'ab'.repeat(32), invite }) as Established
const wrongSecret = { kind: 'refused', code: 'wrong_secret' } as Outcome

const codeOf = (call: () => unknown): Promise<string> =>
  Promise.resolve()
    .then(call)
    .then(
      () => 'none',
      (error: unknown) => (error as OapError).code
    )

test('an open invite is known by the digest of its secret, until it ends', async () => {
  const { node, pass, changes } = pairing()

  const { code, expires } = await node.invite({ addresses: ADDRESSES, treaty: LEAST_TREATY }, BY)

  const invite = decodeInvite(code)
  assert.deepEqual([invite.hub, invite.addresses, invite.expires], [SELF, ADDRESSES, expires])
  assert.deepEqual(Buffer.from(node.openInvite()!), Buffer.from(secretDigest(invite.secret)))
  pass(899)
  assert.notEqual(node.openInvite(), undefined)
  pass(1)
  assert.equal(node.openInvite(), undefined)
  assert.equal(node.state().invite, 'expired')
  assert.deepEqual(changes, ['open', 'expired'])
})

test('an invite is good for one pairing, and the operator has the last word', async () => {
  const { node, allowed, changes } = pairing()
  await node.invite({ addresses: ADDRESSES, treaty: LEAST_TREATY }, BY)

  const digest = node.openInvite()
  const waiting = node.paired(peer(OTHER, 'responder', digest))

  assert.equal(node.openInvite(), undefined)
  assert.equal(node.paired(peer(THIRD, 'responder', digest)), undefined)
  assert.equal(allowed.length, 0)
  await node.confirm(OTHER, waiting!.fingerprint.toUpperCase(), BY)
  assert.deepEqual(
    allowed.map(one => [one.hub, one.addresses]),
    [[OTHER, []]]
  )
  assert.equal(await codeOf(() => node.confirm(OTHER, waiting!.fingerprint, BY)), 'not_found')
  assert.deepEqual(changes, ['open', 'paired', 'confirmed'])
})

test('no entry of the audit log holds the key of the proofs of an invite, whatever becomes of it', async () => {
  const { node, pass, events } = pairing()
  const keys: Uint8Array[] = []
  const invite = async (): Promise<void> => {
    await node.invite({ addresses: ADDRESSES, treaty: LEAST_TREATY }, BY)
    keys.push(node.openInvite()!)
  }

  await invite()
  node.heard(wrongSecret)
  await node.confirm(OTHER, node.paired(peer(OTHER, 'responder', keys[0]))!.fingerprint, BY)
  await invite()
  node.paired(peer(THIRD, 'responder', keys[1]))
  await node.decline(THIRD, BY)
  await invite()
  for (let n = 0; n < 5; n++) node.heard(wrongSecret)
  await invite()
  pass(900)

  const entries = events.map(({ content }) => content.data)
  const becomes = ['open', 'failed', 'paired', 'confirmed', 'declined', 'void', 'expired']
  assert.deepEqual(new Set(entries.map(data => data['change'])), new Set(becomes))
  assert.deepEqual([...new Set(entries.map(data => data['invite_sha256']))], keys.map(inviteAuditId))
  for (const key of keys) assert.ok(!JSON.stringify(entries).includes(Buffer.from(key).toString('hex')))
})

test('another fingerprint ends the pairing and writes nothing', async () => {
  const { node, allowed } = pairing()
  const waiting = node.paired(peer(OTHER, 'initiator'), { addresses: ADDRESSES, treaty: LEAST_TREATY })

  assert.equal(await codeOf(() => node.confirm(OTHER, 'aaaa-bbbb-cccc-dddd', BY)), 'conflict')
  assert.equal(await codeOf(() => node.confirm(OTHER, waiting!.fingerprint, BY)), 'not_found')
  assert.equal(allowed.length, 0)
})

test('an invite that is used or void while another pairing is confirmed stays so', async () => {
  const used = (node: Pairing) => node.paired(peer(THIRD, 'responder', node.openInvite()))
  const guessed = (node: Pairing) => {
    for (let n = 0; n < 5; n++) node.heard(wrongSecret)
  }
  for (const [what, waitAfter] of [
    [used, [THIRD]],
    [guessed, []]
  ] as const) {
    const { node, allowed, hold } = pairing()
    await node.invite({ addresses: ADDRESSES, treaty: LEAST_TREATY }, BY)
    const waiting = node.paired(peer(OTHER, 'responder', node.openInvite()))
    await node.invite({ addresses: ADDRESSES, treaty: LEAST_TREATY }, BY)
    const written = hold()
    const confirming = node.confirm(OTHER, waiting!.fingerprint, BY)

    what(node)
    written()
    await confirming

    assert.equal(node.openInvite(), undefined)
    assert.deepEqual(
      node.state().waiting.map(one => one.hub),
      waitAfter
    )
    assert.equal(allowed.length, 1)
  }
})

test('a hub that proved one invite gets nothing of another that was given out meanwhile', async () => {
  const { node, allowed } = pairing()
  await node.invite({ addresses: ADDRESSES, treaty: LEAST_TREATY }, BY)
  const first = node.openInvite()
  await node.invite({ addresses: ADDRESSES, treaty: { ...LEAST_TREATY, verbs: ['mailbox:send'] } }, BY)

  assert.equal(node.paired(peer(OTHER, 'responder', first)), undefined)

  assert.notEqual(node.openInvite(), undefined)
  assert.deepEqual([node.state().invite, node.state().waiting, allowed], ['open', [], []])
})

test('five wrong secrets void an invite, and no call comes within a second of another', async () => {
  const { node, pass, changes } = pairing()
  await node.invite({ addresses: ADDRESSES, treaty: LEAST_TREATY }, BY)

  for (let n = 0; n < 5; n++) {
    assert.equal(node.admit(), true)
    assert.equal(await codeOf(() => node.admit()), 'quota_peer')
    node.heard(wrongSecret)
    pass(1)
  }

  assert.equal(node.openInvite(), undefined)
  assert.equal(node.state().invite, 'void')
  assert.equal(node.admit(), false)
  assert.deepEqual(changes, ['open', 'failed', 'failed', 'failed', 'failed', 'void'])
  node.heard(wrongSecret)
  assert.equal(changes.length, 7)
})

test('a pairing that nobody confirms is over in time', async () => {
  const { node, pass } = pairing()
  const waiting = node.paired(peer(OTHER, 'initiator'), { addresses: ADDRESSES, treaty: LEAST_TREATY })

  pass(900)

  assert.deepEqual(node.state().waiting, [])
  assert.equal(await codeOf(() => node.confirm(OTHER, waiting!.fingerprint, BY)), 'not_found')
})

test('codes that are no use here are refused before anybody is dialled', async () => {
  const { node, pass, allowed } = pairing()
  const { code } = await node.invite({ addresses: ADDRESSES, treaty: LEAST_TREATY }, BY)
  const other = pairing()
  const theirs = await other.node.invite({ addresses: ADDRESSES, treaty: LEAST_TREATY }, BY)

  for (const wrong of [code, '', 'nonsense', code.slice(1), `${code}A`, theirs.code.toLowerCase()])
    assert.equal(await codeOf(() => node.accepting(wrong)), 'bad_request', wrong)
  pass(900)
  assert.equal(await codeOf(() => node.accepting(theirs.code)), 'bad_request')
  assert.equal(allowed.length, 0)
})
