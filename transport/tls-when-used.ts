import { serviceCapabilities } from '@libp2p/interface'
import type { AbortOptions, ConnectionEncrypter } from '@libp2p/interface'
import type { TLSComponents } from '@libp2p/tls'

export const TLS_PROTOCOL = '/tls/1.0.0'

export type MakeEncrypter = (components: TLSComponents) => ConnectionEncrypter

/** Loads the code of TLS, libp2p's own or ours around it: 240 modules, most of them about certificates. */
export async function loadTls(isTuned: boolean): Promise<MakeEncrypter> {
  if (isTuned) return (await import('./tuned/tls.ts')).tunedTls()
  return (await import('@libp2p/tls')).tls()
}

/**
 * TLS whose code is loaded by the first handshake, for who dials: noise stands before it, so that few ever need it.
 * A handshake waits for the code no longer than for its peer; what cannot be loaded fails it, and the next one tries again.
 */
export function tlsWhenUsed(load: () => Promise<MakeEncrypter>): MakeEncrypter {
  return components => {
    let loading: Promise<ConnectionEncrypter> | undefined
    const loaded = ({ signal }: AbortOptions = {}): Promise<ConnectionEncrypter> => {
      loading ??= made()
      return unlessAborted(loading, signal)
    }
    const made = async (): Promise<ConnectionEncrypter> => {
      try {
        return (await load())(components)
      } catch (error) {
        loading = undefined
        throw error
      }
    }
    return {
      protocol: TLS_PROTOCOL,
      [Symbol.toStringTag]: '@libp2p/tls',
      [serviceCapabilities]: ['@libp2p/connection-encryption'],
      secureInbound: async (raw, options) => (await loaded(options)).secureInbound(raw, options),
      secureOutbound: async (raw, options) => (await loaded(options)).secureOutbound(raw, options)
    } as ConnectionEncrypter
  }
}

async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await promise
  // Whoever has left hears of no failure.
  promise.catch(() => undefined)
  signal.throwIfAborted()
  const aborted = Promise.withResolvers<never>()
  const abort = () => aborted.reject(signal.reason)
  signal.addEventListener('abort', abort)
  try {
    return await Promise.race([promise, aborted.promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
