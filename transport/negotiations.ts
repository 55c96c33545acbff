import type { Connection, Stream } from '@libp2p/interface'

/** What is answered on one stream until a protocol is found: the greeting, and a no for each that is not spoken. */
const MOST_ANSWERS = 10

/** What the upgrader's connection keeps without a public name: its muxer, told of each stream that the peer opens. */
interface Muxed {
  readonly muxer?: { onRemoteStream(stream: Stream): void }
}

/**
 * Watches the streams that the peer of a connection opens. Calls `onFailed` for each that ends before it has a protocol,
 * and resets one whose peer goes on asking for others: libp2p would answer for ten seconds, as often as it is asked.
 * While `isWatched` says no, everything passes.
 */
export function watchNegotiations(
  connection: Connection,
  isWatched: () => boolean,
  onFailed: () => void
): void {
  const { muxer } = connection as unknown as Muxed
  if (muxer === undefined) return
  const onRemoteStream = muxer.onRemoteStream.bind(muxer)
  muxer.onRemoteStream = stream => {
    if (isWatched()) {
      boundAnswers(stream)
      stream.addEventListener('close', () => {
        if (stream.protocol === '' && isWatched()) onFailed()
      })
    }
    onRemoteStream(stream)
  }
}

function boundAnswers(stream: Stream): void {
  const send = stream.send.bind(stream)
  let answers = 0
  stream.send = data => {
    if (stream.protocol !== '') {
      stream.send = send
      return send(data)
    }
    if (++answers <= MOST_ANSWERS) return send(data)
    stream.abort(new Error('the peer asks for too many protocols'))
    return true
  }
}
