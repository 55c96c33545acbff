import type { Connection, Stream } from '@libp2p/interface'

/** What is answered on one stream until a protocol is found: the greeting, and a no for each that is not spoken. */
const MOST_ANSWERS = 10

/** The upgrader's connection keeps its muxer without a public name. */
interface Muxed {
  readonly muxer?: EventTarget
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
  muxer?.addEventListener('stream', event => {
    if (!isWatched()) return
    const { detail: stream } = event as CustomEvent<Stream>
    boundAnswers(stream)
    stream.addEventListener('close', () => {
      if (stream.protocol === '' && isWatched()) onFailed()
    })
  })
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
