import type { ConnectionEncrypter, MessageStream, SecuredConnection } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import type { NoiseComponents } from '@libp2p/noise'
import { deliverDirectly, innards, sendDirectly } from './message-stream.ts'
import type { Bytes, StreamInnards } from './message-stream.ts'
import { cachedKeyCrypto } from './noise-crypto.ts'
import { RecordReader, sealRecords } from './noise-records.ts'
import { writeOnce } from './socket-writes.ts'

/** Noise whose records leave in one write each and arrive without intermediate events. Same bytes as stock noise. */
export function tunedNoise(): (components: NoiseComponents) => ConnectionEncrypter {
  const factory = noise({ crypto: cachedKeyCrypto })
  return components => {
    const encrypter = factory(components)
    const secureInbound = encrypter.secureInbound.bind(encrypter)
    const secureOutbound = encrypter.secureOutbound.bind(encrypter)
    encrypter.secureInbound = async (raw, options) => tuned(raw, await secureInbound(raw, options))
    encrypter.secureOutbound = async (raw, options) => tuned(raw, await secureOutbound(raw, options))
    return encrypter
  }
}

/** What @libp2p/noise 17.0.3 keeps in its encrypted stream. */
interface NoiseInnards extends StreamInnards {
  readonly handshake: {
    readonly encrypt: (plaintext: Bytes) => Bytes
    readonly decrypt: (record: Bytes) => Bytes
  }
  decoder: { readonly buffer?: { readonly byteLength: number }; decode(data: Bytes): Iterable<Bytes> }
  decrypt(record: Bytes): Bytes
}

function tuned<S extends SecuredConnection>(raw: MessageStream, secured: S): S {
  const stream = innards(secured.connection) as NoiseInnards
  tuneSending(raw, stream)
  tuneReceiving(raw, stream)
  writeOnce(raw)
  return secured
}

function tuneSending(raw: MessageStream, stream: NoiseInnards): void {
  const { handshake } = stream
  const seal = (data: Bytes) => raw.send(sealRecords(data, handshake.encrypt))
  stream.sendData = data => ({ sentBytes: data.byteLength, canSendMore: seal(data) })
  sendDirectly(stream, seal)
}

function tuneReceiving(raw: MessageStream, stream: NoiseInnards): void {
  if (stream.decoder.buffer?.byteLength !== 0) return
  const { handshake } = stream
  const reader = new RecordReader()
  stream.decoder = reader
  stream.decrypt = record => handshake.decrypt(record)
  deliverDirectly(
    innards(raw),
    data => {
      for (const record of reader.decode(data)) stream.onData(handshake.decrypt(record))
    },
    err => stream.abort(err)
  )
}
