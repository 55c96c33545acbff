import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isSameFingerprint, pairingFingerprint } from './fingerprint.ts'
import { HUB, OTHER_HUB } from './keys.fixture.ts'
import {
  CONFIRM_S,
  MAX_FAILURES,
  MAX_WAITING,
  NO_PAIRINGS,
  type Paired,
  type Pairings,
  pairCalled,
  inviteClosed,
  pairingConfirmed,
  pairingDeclined,
  proofFailed,
  openInviteAt,
  inviteOpened,
  hubPaired,
  waitingPairings
} from './pairing.ts'

const INVITE = { digest: new Uint8Array(32).fill(9), expires: 1900 }
const OPEN = inviteOpened(NO_PAIRINGS, INVITE)
const TRANSCRIPT = 'ab'.repeat(32)
const BY: Paired = {
  hub: OTHER_HUB.hub,
  addresses: ['/ip4/192.0.2.7/tcp/1'],
  isInviter: true,
  transcript: TRANSCRIPT,
  invite: INVITE.digest
}
const at = (s: number, ms = s * 1000) => ({ s, ms })

test('an invite is open until it expires or is taken back', () => {
  assert.deepEqual(openInviteAt(OPEN, 1899)?.digest, INVITE.digest)
  assert.equal(openInviteAt(OPEN, 1900), undefined)
  assert.equal(openInviteAt(inviteClosed(OPEN), 1000), undefined)
})

test('a new invite makes the one before void', () => {
  const digest = new Uint8Array(32).fill(8)

  assert.deepEqual(openInviteAt(inviteOpened(OPEN, { ...INVITE, digest }), 1000)?.digest, digest)
})

test('without an open invite no call of pair is looked at', () => {
  assert.equal(pairCalled(NO_PAIRINGS, at(1000)).refusal, 'no_invite')
  assert.equal(pairCalled(OPEN, at(1900)).refusal, 'no_invite')
})

test('pair is looked at once a second, whoever calls', () => {
  const first = pairCalled(OPEN, at(1000))
  const second = pairCalled(first.pairings, at(1000, 1_000_400))
  const third = pairCalled(second.pairings, at(1001, 1_001_000))

  assert.deepEqual([first.refusal, second.refusal, third.refusal], [undefined, 'too_fast', undefined])
  assert.equal(second.retryAfterMs, 600)
})

test('the fifth failure makes an invite void, and a new one counts anew', () => {
  let pairings: Pairings = OPEN
  for (let n = 1; n < MAX_FAILURES; n++) pairings = proofFailed(pairings)
  assert.notEqual(openInviteAt(pairings, 1000), undefined)

  const after = proofFailed(pairings)

  assert.equal(openInviteAt(after, 1000), undefined)
  assert.equal(openInviteAt(inviteOpened(after, INVITE), 1000)?.failures, 0)
  assert.deepEqual(proofFailed(after), after)
})

test('an invite is used once', () => {
  const once = hubPaired(OPEN, BY, 1000)
  const twice = hubPaired(once.pairings, { ...BY, hub: HUB.hub }, 1000)

  assert.equal(once.refusal, undefined)
  assert.equal(twice.refusal, 'no_invite')
  assert.deepEqual(twice.pairings.waiting, once.pairings.waiting)
})

test('an invite that expired in mid-handshake pairs nobody', () => {
  const late = hubPaired(OPEN, BY, 1900)

  assert.deepEqual([late.refusal, late.pairings.waiting], ['no_invite', []])
})

test('a hub that proved the invite before this one pairs with nobody, and this one stays open', () => {
  for (const invite of [new Uint8Array(32).fill(8), new Uint8Array(31).fill(9), undefined]) {
    const { refusal, pairings } = hubPaired(OPEN, { ...BY, invite }, 1000)

    assert.deepEqual([refusal, pairings.waiting], ['no_invite', []])
    assert.notEqual(openInviteAt(pairings, 1000), undefined)
  }
})

test('the hub that uses an invite needs none of its own, and leaves its own open', () => {
  const { pairings, refusal } = hubPaired(OPEN, { ...BY, isInviter: false }, 1000)

  assert.equal(refusal, undefined)
  assert.equal(pairings.waiting.length, 1)
  assert.notEqual(openInviteAt(pairings, 1000), undefined)
})

test('the operator confirms the fingerprint that both hubs show, in any writing', () => {
  const { pairings } = hubPaired(OPEN, BY, 1000)
  const [shown] = waitingPairings(pairings, 1000)
  const typed = ` ${shown!.fingerprint.toUpperCase().replaceAll('-', ' ')}`

  const { pairing, pairings: left } = pairingConfirmed(pairings, { hub: BY.hub, fingerprint: typed }, 1000)

  assert.equal(pairing?.hub, BY.hub)
  assert.deepEqual(left.waiting, [])
})

test('another fingerprint ends the pairing, and leaves nothing of it', () => {
  const { pairings } = hubPaired(OPEN, BY, 1000)
  const other = { hub: BY.hub, fingerprint: pairingFingerprint('cd'.repeat(32)) }
  const { fingerprint } = pairings.waiting[0]!

  const wrong = pairingConfirmed(pairings, other, 1000)

  assert.deepEqual(
    [wrong.refusal, wrong.pairing, wrong.pairings.waiting],
    ['wrong_fingerprint', undefined, []]
  )
  assert.equal(pairingConfirmed(wrong.pairings, { hub: BY.hub, fingerprint }, 1000).refusal, 'not_waiting')
})

test('a pairing waits for a quarter of an hour', () => {
  const { pairings } = hubPaired(OPEN, BY, 1000)
  const { hub, fingerprint } = pairings.waiting[0]!

  assert.equal(pairingConfirmed(pairings, { hub, fingerprint }, 999 + CONFIRM_S).refusal, undefined)
  assert.equal(pairingConfirmed(pairings, { hub, fingerprint }, 1000 + CONFIRM_S).refusal, 'not_waiting')
  assert.deepEqual(pairingDeclined(pairings, hub).waiting, [])
})

test('of two pairings with one hub the later counts', () => {
  const first = hubPaired(OPEN, BY, 1000)
  const again = hubPaired(inviteOpened(first.pairings, INVITE), { ...BY, transcript: 'cd'.repeat(32) }, 1001)

  assert.deepEqual(
    again.pairings.waiting.map(({ transcript }) => transcript),
    ['cd'.repeat(32)]
  )
})

test('so many pairings wait at most; one more uses up its invite and is refused', () => {
  let pairings = NO_PAIRINGS
  for (let n = 0; n < MAX_WAITING; n++)
    pairings = hubPaired(inviteOpened(pairings, INVITE), { ...BY, hub: `h${n}` }, 1000).pairings

  const more = hubPaired(inviteOpened(pairings, INVITE), BY, 1000)

  assert.equal(more.refusal, 'full')
  assert.equal(openInviteAt(more.pairings, 1000), undefined)
  assert.equal(hubPaired(inviteOpened(pairings, INVITE), { ...BY, hub: 'h0' }, 1000).refusal, undefined)
})

test('a fingerprint is four groups of four, and another for another transcript', () => {
  const transcript = fc.stringMatching(/^[0-9a-f]{64}$/)
  fc.assert(
    fc.property(transcript, transcript, (one, other) => {
      const shown = pairingFingerprint(one)

      assert.match(shown, /^[a-z2-7]{4}(-[a-z2-7]{4}){3}$/)
      assert.equal(isSameFingerprint(pairingFingerprint(other), shown), one === other)
      assert.equal(isSameFingerprint(shown.slice(0, -1), shown), false)
    })
  )
})

test('whatever happens in whatever order, no invite is used twice and nothing grows without bound', () => {
  const step = fc.oneof(
    fc.record({
      do: fc.constantFrom('open', 'close', 'fail', 'call', 'pair', 'use', 'confirm'),
      s: fc.integer({ min: 1, max: 5000 }),
      hub: fc.constantFrom('a', 'b', 'c')
    })
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), steps => {
      let pairings: Pairings = NO_PAIRINGS
      let [given, used] = [0, 0]
      for (const { do: what, s, hub } of steps) {
        if (what === 'open')
          [pairings, given] = [inviteOpened(pairings, { ...INVITE, expires: s + 900 }), given + 1]
        if (what === 'close') pairings = inviteClosed(pairings)
        if (what === 'fail') pairings = proofFailed(pairings)
        if (what === 'call') ({ pairings } = pairCalled(pairings, at(s)))
        if (what === 'pair' || what === 'use') {
          const decided = hubPaired(pairings, { ...BY, hub, isInviter: what === 'pair' }, s)
          if (what === 'pair' && decided.refusal === undefined) used++
          pairings = decided.pairings
        }
        if (what === 'confirm')
          ({ pairings } = pairingConfirmed(pairings, { hub, fingerprint: pairingFingerprint(TRANSCRIPT) }, s))
        assert.ok(used <= given)
        assert.ok(pairings.waiting.length <= 3)
      }
    })
  )
})
