import { privateKeyFromProtobuf } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { OapError, capabilitiesService, client, tokenBytes } from '../protocols/index.ts'
import type { Platform, Sha256 } from '../protocols/index.ts'
import { parseAddress } from './address.ts'
import { Calls } from './calls.ts'
import { CapabilityHolder } from './capability-holder.ts'
import type { Refresh, Renewed } from './capability-holder.ts'
import type { CreateDialer } from './dialer.ts'
import { Hub } from './hub.ts'
import { Link } from './link.ts'
import type { Target } from './link.ts'
import type { RetryPolicy } from './retry.ts'
import type { Time } from './time.ts'
import { unlessAborted } from './unless-aborted.ts'

const DEADLINE_MS = 30_000
const LIVENESS = { intervalMs: 15_000, timeoutMs: 10_000 }
const MAX_ADDRESSES = 16

export interface ClientOptions {
  /** Multiaddr of a node of the hub, or of several: the next is taken when one does not answer. Default: RON_NODE_URL. */
  readonly url?: string | readonly string[] | undefined
  /** The capability that calls carry: its text or its bytes. Default: RON_CAP. */
  readonly cap?: Uint8Array | string | undefined
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
  /** A new hash for each block of a blob. */
  readonly sha256: () => Sha256
  /** What stands in for options that are absent. */
  readonly environment: () => Promise<Pick<ClientOptions, 'url' | 'cap' | 'key'>>
}

/** Gives a client that is connected. @throws as `createClient` */
export async function createClientBy(runtime: Runtime, options: ClientOptions): Promise<Hub> {
  const { url, cap, key } = { ...(await runtime.environment()), ...given(options) }
  const targets = targetsOf(url)
  const token = typeof cap === 'string' ? tokenBytes(cap.trim()) : cap
  const privateKey = typeof key === 'string' ? keyOf(key) : key
  const { platform, time } = runtime
  const { dialTimeoutMs, retry: policy = {}, deadlineMs = DEADLINE_MS, traceparent } = options
  const holder: CapabilityHolder = new CapabilityHolder({
    cap: token,
    refresh: options.refresh,
    renew: () => renewed(),
    time,
    deadlineMs,
    onFailure: error => options.onRenewalFailure?.(error)
  })
  const dialer = await runtime.createDialer({
    liveness: LIVENESS,
    ...(privateKey && { privateKey }),
    ...(dialTimeoutMs !== undefined && { dialTimeoutMs })
  })
  const link = new Link(dialer, targets, { platform, dialTimeoutMs, cap: () => holder.cap })
  const calls = new Calls({ holder, time, policy, deadlineMs, traceparent, closing: link.closing })
  const { renew } = client(capabilitiesService, link)
  const renewed = async (): Promise<Renewed> => {
    const { body, now } = await calls.unary({}, true, call => renew({}, call))
    if (body === undefined) throw new OapError('upstream', 'the renewal brought no capability')
    return { cap: body, now: now === undefined ? undefined : now * 1000 }
  }
  const close = async (): Promise<void> => {
    holder.stop()
    await link.close()
  }
  try {
    await link.connected(options.signal)
    await unlessAborted(holder.start(), options.signal)
  } catch (error) {
    await close()
    throw error
  }
  return new Hub({ link, calls, close, sha256: runtime.sha256 })
}

const given = (options: ClientOptions): Partial<ClientOptions> =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))

function targetsOf(url: string | readonly string[] | undefined): readonly Target[] {
  const addresses = typeof url === 'string' ? [url] : (url ?? [])
  if (addresses.length === 0 || addresses.length > MAX_ADDRESSES)
    throw new TypeError(
      `url: ${addresses.length} addresses; give the multiaddr of a node, or up to ${MAX_ADDRESSES} of one hub, or set RON_NODE_URL`
    )
  return addresses.map(address => ({ address, target: parseAddress(address) }))
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
