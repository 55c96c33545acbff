import type { Connection } from '@libp2p/interface'

/** What the upgrader's connection keeps without a public name: @libp2p/yamux 8.0.3 with its bound, and what we add. */
interface Muxer {
  maxInboundStreams?: number
  readonly partialBytes?: () => number
}

/** Bytes that a connection makes this side keep: received and not read yet, queued and not taken by the peer. */
export const keptBytes = (connection: Connection): number =>
  connection.streams.reduce(
    (sum, { readBufferLength, writeBufferLength }) => sum + readBufferLength + writeBufferLength,
    muxerOf(connection)?.partialBytes?.() ?? 0
  )

/** Bounds the peer's streams from here on, negotiated or not; yields the bound before. Undefined where it has none. */
export function boundInboundStreams(connection: Connection, most: number): number | undefined {
  const muxer = muxerOf(connection)
  const before = muxer?.maxInboundStreams
  if (muxer !== undefined && before !== undefined) muxer.maxInboundStreams = most
  return before
}

const muxerOf = (connection: Connection): Muxer | undefined =>
  (connection as { readonly muxer?: Muxer }).muxer

/** The holders to give up, largest first, until the others keep at most `most` in sum. */
export function toShed<T>(holders: readonly (readonly [holder: T, bytes: number])[], most: number): T[] {
  let sum = holders.reduce((all, [, bytes]) => all + bytes, 0)
  const shed: T[] = []
  for (const [holder, bytes] of holders.toSorted(([, a], [, b]) => b - a)) {
    if (sum <= most) break
    shed.push(holder)
    sum -= bytes
  }
  return shed
}
