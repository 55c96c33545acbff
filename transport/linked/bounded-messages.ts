import type { Stream, StreamHandler } from '@libp2p/interface'

/** What a question or a provider record of the DHT may have; they need a few hundred bytes. */
export const MESSAGE_BYTES = 65_536

/** Bytes of a length that is no longer than 2^28 - 1: whatever is longer is too long. */
const LENGTH_BYTES = 4

/**
 * A handler of length-prefixed messages that is given no stream with longer ones than `mostBytes`: the stream is reset
 * at the length, before any of the message is kept. kad-dht itself takes 4 MiB of each of 32 streams of a peer.
 */
export const boundedMessages =
  (handler: StreamHandler, mostBytes = MESSAGE_BYTES): StreamHandler =>
  (stream, connection) => {
    watch(stream, mostBytes)
    return handler(stream, connection)
  }

function watch(stream: Stream, mostBytes: number): void {
  let skipped = 0
  let length = 0
  let read = 0
  const look = (bytes: Uint8Array): boolean => {
    for (let at = 0; at < bytes.length;) {
      if (skipped > 0) {
        const step = Math.min(skipped, bytes.length - at)
        skipped -= step
        at += step
        continue
      }
      const byte = bytes[at++]!
      length += (byte & 0x7f) * 2 ** (7 * read++)
      if (length > mostBytes || (read === LENGTH_BYTES && byte >= 0x80)) return false
      if (byte >= 0x80) continue
      skipped = length
      length = read = 0
    }
    return true
  }
  const onMessage = ({ data }: { readonly data: Uint8Array | { subarray(): Uint8Array } }): void => {
    if (look(data.subarray())) return
    stream.removeEventListener('message', onMessage)
    stream.abort(new Error(`a message of more than ${mostBytes} bytes`))
  }
  stream.addEventListener('message', onMessage)
}
