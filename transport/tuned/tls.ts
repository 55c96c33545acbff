import { connect, TLSSocket } from 'node:tls'
import type { SecureContext } from 'node:tls'
import { InvalidCryptoExchangeError } from '@libp2p/interface'
import type {
  ConnectionEncrypter,
  MessageStream,
  PeerId,
  SecureConnectionOptions,
  SecuredConnection,
  StreamMuxerFactory
} from '@libp2p/interface'
import type { TLSComponents } from '@libp2p/tls'
import { tls } from '@libp2p/tls'
import { toMessageStream, toNodeDuplex, verifyPeerCertificate } from '@libp2p/tls/utils'
import { writeOnce } from './socket-writes.ts'
import { tlsIdentity } from './tls-identity.ts'

/** A TLS socket copies corked pieces into one buffer; above this the copy costs more than a second record. */
const COPY_UP_TO_BYTES = 16 * 1024

/** The ALPN name of a peer that negotiates its muxer later. */
const NO_EARLY_MUXER = 'libp2p'

/**
 * libp2p's TLS with one certificate a day instead of one a handshake, and with one record and one system call a send.
 * The peer's certificate is judged by @libp2p/tls as ever.
 */
export function tunedTls(): (components: TLSComponents) => ConnectionEncrypter {
  return components => {
    const encrypter = tls()(components)
    const identity = tlsIdentity(components.privateKey)
    const secure = async (raw: MessageStream, isServer: boolean, options: SecureConnectionOptions = {}) =>
      handshake(components, await identity(Date.now()), raw, isServer, options)
    encrypter.secureInbound = (raw, options) => secure(raw, true, options)
    encrypter.secureOutbound = (raw, options) => secure(raw, false, options)
    return encrypter
  }
}

async function handshake(
  components: TLSComponents,
  secureContext: SecureContext,
  raw: MessageStream,
  isServer: boolean,
  options: SecureConnectionOptions
): Promise<SecuredConnection> {
  const muxers: ReadonlyMap<string, StreamMuxerFactory> =
    options.skipStreamMuxerNegotiation === true ? new Map() : components.upgrader.getStreamMuxers()
  writeOnce(raw)
  const socket = openSocket(raw, secureContext, isServer, muxers)
  const remotePeer = await authenticated(socket, raw, options)
  const streamMuxer = earlyMuxer(socket, muxers)
  const connection = toMessageStream(raw, socket)
  writeOnce(connection, COPY_UP_TO_BYTES)
  return { remotePeer, connection, ...(streamMuxer && { streamMuxer }) }
}

function openSocket(
  raw: MessageStream,
  secureContext: SecureContext,
  isServer: boolean,
  muxers: ReadonlyMap<string, StreamMuxerFactory>
): TLSSocket {
  const duplex = toNodeDuplex(raw)
  const known = [...muxers.keys(), NO_EARLY_MUXER]
  // The peer's self-signed certificate is verified once the handshake is done, against its libp2p extension.
  const trust = { secureContext, rejectUnauthorized: false }
  const socket = isServer
    ? new TLSSocket(duplex, {
        ...trust,
        isServer,
        requestCert: true,
        ALPNCallback: ({ protocols }) => protocols.find(name => known.includes(name))
      })
    : connect({ ...trust, socket: duplex, ALPNProtocols: known })
  duplex.on('error', err => socket.destroy(err))
  return socket
}

/** The peer whose key signed the certificate that the handshake has proven. */
async function authenticated(
  socket: TLSSocket,
  raw: MessageStream,
  { signal, remotePeer }: SecureConnectionOptions
): Promise<PeerId> {
  const { promise: secured, resolve, reject } = Promise.withResolvers<void>()
  const onAbort = () => reject(new InvalidCryptoExchangeError('TLS handshake took too long'))
  const onClose = () => reject(new InvalidCryptoExchangeError('TLS connection closed during its handshake'))
  signal?.addEventListener('abort', onAbort)
  socket.once('secure', resolve).on('error', reject).once('close', onClose)
  try {
    signal?.throwIfAborted()
    await secured
    return await verifyPeerCertificate(peerCertificate(socket), remotePeer)
  } catch (err) {
    socket.destroy()
    raw.abort(err as Error)
    throw err
  } finally {
    signal?.removeEventListener('abort', onAbort)
    socket.off('close', onClose)
  }
}

function peerCertificate(socket: TLSSocket): Uint8Array {
  const { raw } = socket.getPeerCertificate()
  if (raw === undefined) throw new InvalidCryptoExchangeError('TLS peer sent no certificate')
  return raw
}

function earlyMuxer(
  { alpnProtocol }: TLSSocket,
  muxers: ReadonlyMap<string, StreamMuxerFactory>
): StreamMuxerFactory | undefined {
  return typeof alpnProtocol === 'string' ? muxers.get(alpnProtocol) : undefined
}
