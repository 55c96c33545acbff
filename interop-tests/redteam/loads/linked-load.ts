/** What the processes of this load have agreed on. */
export const FEDERATION = 'main'
export const PEERS = 10
export const KAD = `/omnigate/${FEDERATION}/kad/1.0.0`

/** Each peer has a gossip topic that it shares with the target only. */
export const topicOf = (peer: number): string => `/omnigate/${FEDERATION}/load-${peer}/1`
export const TOPICS = Array.from({ length: PEERS }, (_, peer) => topicOf(peer))

/** The first byte of a message, which goes on with eight of its number. */
export const ASKED = 0
export const ANSWERED = 1
