export { SHARES } from './numbers.ts'
export { clip, countOf, cut, holds, isInOrder, join, meet, minus, rotated } from './ranges.ts'
export type { Range, Ranges } from './ranges.ts'
export { SHARE_REFUSALS } from './refusals.ts'
export type { ShareRefusal } from './refusals.ts'
export { NUMBERED, SHARED_MESSAGE, SHARED_MESSAGE_TAG, federatedId, shareId } from './shared-message.ts'
export type { SharedMessage } from './shared-message.ts'
export {
  NEW_TRACK,
  giveUp,
  isScattered,
  isSettled,
  lagOf,
  offerOf,
  reopen,
  settle,
  settleAll,
  wanted
} from './track.ts'
export type { Offer, Track } from './track.ts'
export {
  ANNOUNCEMENT,
  ANNOUNCEMENT_NONCE_BYTES,
  MAX_ANNOUNCEMENT_CHARS,
  openAnnounced,
  sealAnnounced
} from './announcement.ts'
export type { Announced, Announcement } from './announcement.ts'
