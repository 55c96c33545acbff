export { PEER_KEY_ROWS, PeerKeys } from './peer-keys.ts'
export type { Learning, PeerKeyChange, PeerKeysOptions } from './peer-keys.ts'
