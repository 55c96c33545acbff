import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openAnnounced, sealAnnounced } from './announcement.ts'
import type { Announcement } from './announcement.ts'

const HUB = 'h1aoqqpp7tzyil4hlq3umoos6atft6jvrqtosq2xy53sdgiesvgg4a'
const SHARE = '5f1d09c4a7e24be08c3a6d2f90b1e7c8'
const OTHER_SHARE = '00000000000000000000000000000001'
const NONCE = Buffer.alloc(12, 7)
const ANNOUNCED = { series: 1_795_000_000_000, number: 2 ** 53 - 1, id: 'ab'.repeat(32), bytes: 983_040 }

const announcement = (sealed: string, hub = HUB): Announcement => ({
  at: 1_795_000_000,
  epoch: 1,
  hub,
  key: 'cd'.repeat(32),
  sealed
})

test('who knows the share reads what was announced', () => {
  const sealed = sealAnnounced({ share: SHARE, hub: HUB }, ANNOUNCED, NONCE)

  assert.deepEqual(openAnnounced(SHARE, announcement(sealed)), ANNOUNCED)
})

test('who knows another share reads nothing, nor does anyone of a changed text or of another hub', () => {
  const sealed = sealAnnounced({ share: SHARE, hub: HUB }, ANNOUNCED, NONCE)
  const changed = `${sealed.slice(0, 40)}${sealed[40] === 'A' ? 'B' : 'A'}${sealed.slice(41)}`

  assert.equal(openAnnounced(OTHER_SHARE, announcement(sealed)), undefined)
  assert.equal(openAnnounced(SHARE, announcement(changed)), undefined)
  assert.equal(openAnnounced(SHARE, announcement(sealed, `${HUB.slice(0, -1)}b`)), undefined)
  assert.equal(openAnnounced(SHARE, announcement(sealed.slice(4))), undefined)
})

test('announcements of all shares and numbers are equally long', () => {
  const small = sealAnnounced({ share: OTHER_SHARE, hub: HUB }, { ...ANNOUNCED, number: 1, bytes: 0 }, NONCE)
  const large = sealAnnounced({ share: SHARE, hub: HUB }, ANNOUNCED, NONCE)

  assert.equal(small.length, large.length)
})
