import { privateKeyFromProtobuf } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { OapError, capabilitiesService, tokenBytes } from '../protocols/index.ts'
import type { Platform, Sha256 } from '../protocols/index.ts'
import { parseAddress } from './address.ts'
import { Calls } from './calls.ts'
import { CapabilityHolder } from './capability-holder.ts'
import type { Refresh, Renewed } from './capability-holder.ts'
import type { CreateDialer } from './dialer.ts'
import { baseOf, isHttp } from './http/http-address.ts'
import { HttpWire } from './http/http-wire.ts'
import type { HttpRuntime } from './http/http-wire.ts'
import { Hub } from './hub.ts'
import { Link } from './link.ts'
import type { Target } from './link.ts'
import type { RetryPolicy } from './retry.ts'
import type { Time } from './time.ts'
import { unlessAborted } from './unless-aborted.ts'
import { methodsOf } from './wire.ts'
import type { Wire } from './wire.ts'

const DEADLINE_MS = 30_000
const LIVENESS = { intervalMs: 15_000, timeoutMs: 10_000 }
const MAX_ADDRESSES = 16
const TOKEN = /^[\x21-\x7e]{1,5600}$/

export interface ClientOptions {
  /**
   * Where the hub is: multiaddrs of its nodes, or where they serve HTTP, `https://hub.example.org`. Of several the next is
   * taken when one does not answer. Default: RON_NODE_URL.
   */
  readonly url?: string | readonly string[] | undefined
  /** The capability that calls carry: its text or its bytes. Default: RON_CAP. */
  readonly cap?: Uint8Array | string | undefined
  /** A token of the hub's operator, for calls without a capability. Over HTTP alone. */
  readonly token?: string | undefined
  /** The Ed25519 key of this client: a key, or the text of a key file. Default: the file that OMNIGATE_CLIENT_KEY names, else a fresh one. */
  readonly key?: PrivateKey | string | undefined
  /** Brings a capability where there is none yet and in the place of one that ends; default: the hub renews. */
  readonly refresh?: Refresh | undefined
  readonly retry?: RetryPolicy | undefined
  /** Of each call with one answer, over all its attempts, and of each `refresh`. Default 30,000. */
  readonly deadlineMs?: number | undefined
  readonly dialTimeoutMs?: number | undefined
  /** Asked at each call for the W3C traceparent to pass on; where it throws, the call goes without. */
  readonly traceparent?: (() => string | undefined) | undefined
  /** Told when a renewal failed. Calls go on with the capability that there is; what it throws is dropped. */
  readonly onRenewalFailure?: ((error: unknown) => void) | undefined
  /** Of the first connecting, and of the first `refresh`. */
  readonly signal?: AbortSignal | undefined
}

/** What a runtime gives a client beside its options. */
export interface Runtime {
  readonly createDialer: CreateDialer
  readonly platform: Platform
  readonly time: Time
  readonly http: HttpRuntime
  /** A new hash for each block of a blob. */
  readonly sha256: () => Sha256
  /** What stands in for options that are absent. */
  readonly environment: () => Promise<Pick<ClientOptions, 'url' | 'cap' | 'key'>>
}

/** Gives a client that is connected. @throws as `createClient` */
export async function createClientBy(runtime: Runtime, options: ClientOptions): Promise<Hub> {
  const { cap: usualCap, ...usual } = await runtime.environment()
  // Who says a token means that, whatever stands in the environment.
  const usualRight = options.token === undefined && usualCap !== undefined ? { cap: usualCap } : {}
  const { url, cap, key } = { ...usual, ...usualRight, ...given(options) }
  const addresses = addressesOf(url)
  const { time } = runtime
  const { retry: policy = {}, deadlineMs = DEADLINE_MS, traceparent } = options
  const holder: CapabilityHolder = new CapabilityHolder({
    cap: typeof cap === 'string' ? tokenBytes(cap.trim()) : cap,
    refresh: options.refresh,
    renew: addresses.every(isHttp) ? undefined : () => renewed(),
    time,
    deadlineMs,
    onFailure: error => options.onRenewalFailure?.(error)
  })
  const wire = await wireOf(runtime, { ...options, key, addresses, cap: () => holder.cap })
  const calls = new Calls({ holder, time, policy, deadlineMs, traceparent, closing: wire.closing })
  const { renew } = methodsOf(capabilitiesService, wire)
  const renewed = async (): Promise<Renewed> => {
    const { body, now } = await calls.unary({}, true, call => renew({}, call))
    if (body === undefined) throw new OapError('upstream', 'the renewal brought no capability')
    return { cap: body, now: now === undefined ? undefined : now * 1000 }
  }
  const close = async (): Promise<void> => {
    holder.stop()
    await wire.close()
  }
  try {
    await wire.connected(options.signal)
    await unlessAborted(holder.start(), options.signal)
  } catch (error) {
    await close()
    throw error
  }
  return new Hub({ wire, calls, close, sha256: runtime.sha256 })
}

interface Way extends Pick<ClientOptions, 'key' | 'token' | 'dialTimeoutMs'> {
  readonly addresses: readonly string[]
  readonly cap: () => Uint8Array | undefined
}

/** Over HTTP where the addresses say so, else over libp2p. */
async function wireOf(
  { createDialer, platform, time, http }: Runtime,
  { addresses, key, token, dialTimeoutMs, cap }: Way
): Promise<Wire> {
  if (addresses.some(isHttp)) {
    if (!addresses.every(isHttp)) throw new TypeError('url: give multiaddrs, or addresses of HTTP, not both')
    if (token !== undefined && !TOKEN.test(token)) throw new TypeError('token: not a token of an operator')
    return new HttpWire({ ...http, time, bases: addresses.map(baseOf), token, dialTimeoutMs })
  }
  if (token !== undefined)
    throw new TypeError('token: it is good over HTTP alone; give url where the node serves that, or cap')
  const targets: readonly Target[] = addresses.map(address => ({ address, target: parseAddress(address) }))
  const privateKey = typeof key === 'string' ? keyOf(key) : key
  const dialer = await createDialer({
    liveness: LIVENESS,
    ...(privateKey && { privateKey }),
    ...(dialTimeoutMs !== undefined && { dialTimeoutMs })
  })
  return new Link(dialer, targets, { platform, dialTimeoutMs, cap })
}

const given = (options: ClientOptions): Partial<ClientOptions> =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))

function addressesOf(url: string | readonly string[] | undefined): readonly string[] {
  const addresses = typeof url === 'string' ? [url] : (url ?? [])
  if (addresses.length === 0 || addresses.length > MAX_ADDRESSES)
    throw new TypeError(
      `url: ${addresses.length} addresses; give the multiaddr of a node or where it serves HTTP, or up to ${MAX_ADDRESSES} of one hub, or set RON_NODE_URL`
    )
  return addresses
}

function keyOf(text: string): PrivateKey {
  try {
    const bytes = Uint8Array.from(atob(text.trim()), char => char.charCodeAt(0))
    return privateKeyFromProtobuf(bytes)
  } catch {
    // What a parser says may quote the key.
    throw new TypeError('key: not a client key; give the text of the file that omnigate client init made')
  }
}
