import { OapError, STORAGE_LIMITS, blockChunks, framedBlocks, parseCid } from '../../protocols/index.ts'
import type { Call, Handlers, Provider, Service, storageService } from '../../protocols/index.ts'
import { rangeWithin } from '../handlers/storage-answer.ts'
import { storageFault } from '../handlers/storage-fault.ts'
import type { RoutedPeer } from '../../dht/index.ts'
import type { BlobFetcher } from './blob-fetcher.ts'
import type { StoredFetch } from './stored-fetch.ts'

type StorageOperations = (typeof storageService)['operations']
type Get = Handlers<StorageOperations>['get']

export interface FetchingOptions {
  readonly fetcher: BlobFetcher
  /** Whether the caller may have this node fetch the blob. It must not depend on what is stored. */
  readonly mayFetch: (call: Call, cid: string) => boolean
  /** Whose the blob becomes. */
  readonly tenantOf: (call: Call) => string
  /** Whether the caller may be told what linked peers and the DHT say. */
  readonly maySearch: (call: Call) => boolean
}

/** Searches of `providers` at the same time: each may cost other hubs a look-up. */
const MOST_SEARCHES = 16
/** How long the search of `providers` may take. */
const SEARCH_MS = 5000

/**
 * The storage service of a node that fetches: `get` of a blob that is not here brings it from others for who may, and
 * `providers` names these.
 */
export function fetching(
  inner: Service<StorageOperations>,
  { fetcher, mayFetch, tenantOf, maySearch }: FetchingOptions
): Service<StorageOperations> {
  let searches = 0
  const fetched: Get = async (request, call) => {
    const { cid: text, offset, length, form } = request
    const boarding = fetcher.board({ cid: parseCid(text), tenant: tenantOf(call), offset, length })
    const leave = (): void => boarding.leave()
    call.signal.addEventListener('abort', leave, { once: true })
    try {
      call.signal.throwIfAborted()
      const total = await boarding.fetch.total()
      const range = rangeWithin(total, offset, length)
      const { fetch } = boarding
      return {
        head: { cid: text, ...range, total_len: total },
        status: range.length < total ? 206 : 0,
        ...(form === 'raw'
          ? { body: leaving(fetch.plain(), fetch, leave) }
          : {
              body: leaving(framedBlocks(fetch.blocks()), fetch, leave),
              chunks: leaving(blockChunks(fetch.blocks()), fetch, leave)
            })
      }
    } catch (error) {
      leave()
      await boarding.fetch.settled()
      throw error
    }
  }
  const get: Get = async (request, call) => {
    if (!mayFetch(call, request.cid)) return inner.handlers.get(request, call)
    try {
      return await inner.handlers.get(request, call)
    } catch (error) {
      if (!(error instanceof OapError) || error.code !== 'not_found') throw error
      return fetched(request, call)
    }
  }
  const providers: Handlers<StorageOperations>['providers'] = async (request, call) => {
    const { providers: here } = await inner.handlers.providers(request, call)
    if (!maySearch(call)) return { providers: here }
    if (searches >= MOST_SEARCHES) throw new OapError('saturated', `${searches} searches are under way`)
    searches++
    try {
      const most = (request.max ?? STORAGE_LIMITS.providers) - here.length
      return { providers: [...here, ...(await others(fetcher, request.cid, most, call.signal))] }
    } finally {
      searches--
    }
  }
  return { table: inner.table, handlers: { ...inner.handlers, get, providers } }
}

async function others(
  fetcher: BlobFetcher,
  cid: string,
  most: number,
  signal: AbortSignal
): Promise<Provider[]> {
  const found: Provider[] = []
  if (most <= 0) return found
  const ending = AbortSignal.any([signal, AbortSignal.timeout(SEARCH_MS)])
  const told = new Map<string, readonly string[]>()
  const reach = ({ peer, addresses }: RoutedPeer) => {
    told.set(peer, addresses.filter(({ length }) => length <= addressBytes).slice(0, providerAddresses))
    return { provider: peer, get: neverAsked }
  }
  for await (const { provider, via } of fetcher.search(parseCid(cid), { reach, signal: ending })) {
    const hub = fetcher.hubOf(provider)
    found.push({
      peer: provider,
      addresses: [...(told.get(provider) ?? [])],
      via: via === 'dht' ? 'dht' : 'link',
      ...(hub !== undefined && { hub })
    })
    if (found.length === most) break
  }
  return found
}

const { addressBytes, providerAddresses } = STORAGE_LIMITS

const neverAsked = (): Promise<never> => Promise.reject(new OapError('internal'))

/** Whoever is told of a failure can ask at once why it was. */
async function* leaving<T>(
  body: AsyncGenerator<T, void>,
  fetch: StoredFetch,
  leave: () => void
): AsyncGenerator<T, void> {
  try {
    yield* body
  } catch (error) {
    await fetch.settled()
    throw storageFault(error)
  } finally {
    leave()
  }
}
