import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { OapError } from 'omnigate/protocols'
import { tile } from './handlers.ts'
import type { Served } from './served.ts'
import type { TileSource } from './tile-source.ts'

const MOST_CONNECTIONS = 256
const REQUEST_MS = 10_000

/** The same tiles by HTTP, for maps in browsers. */
export interface HttpEdge extends AsyncDisposable {
  readonly url: string
}

/** Serves GET and HEAD at HOST:PORT. Rejects where it cannot listen. */
export async function httpEdge(tiles: TileSource, served: Served, listen: string): Promise<HttpEdge> {
  const { hostname, port } = new URL(`http://${listen}`)
  const server = createServer(
    { requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS },
    (request, response) => {
      void answer(tiles, served, request, response)
    }
  )
  server.maxConnections = MOST_CONNECTIONS
  server.listen(Number(port || 80), hostname.replace(/^\[(.*)\]$/, '$1'))
  await once(server, 'listening')
  return {
    url: `http://${hostname}:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: () => closed(server)
  }
}

async function answer(
  tiles: TileSource,
  served: Served,
  { method, url = '' }: IncomingMessage,
  response: ServerResponse
): Promise<void> {
  const begun = performance.now()
  try {
    if (method !== 'GET' && method !== 'HEAD') return refuse(response, 405, 'bad_method', 'GET or HEAD')
    const { contentType, bytes } = await tile(tiles, pathOf(url))
    response.writeHead(200, {
      'content-type': contentType,
      'content-length': bytes.length,
      'x-content-type-options': 'nosniff'
    })
    response.end(method === 'HEAD' ? undefined : bytes, () =>
      served.tile(bytes.length, performance.now() - begun)
    )
  } catch (error) {
    served.refused()
    if (error instanceof OapError) return refuse(response, error.status, error.code, error.message)
    refuse(response, 500, 'internal', 'the tile could not be read')
  }
}

/** The path as it was written: a URL parser would resolve `..` in it, and so hide what was asked for. */
function pathOf(url: string): string {
  const [path = ''] = url.split('?')
  try {
    return decodeURIComponent(path)
  } catch {
    throw new OapError('bad_request', 'path: not percent-encoded', { code: 'bad_path' })
  }
}

function refuse(response: ServerResponse, status: number, code: string, message: string): void {
  if (status === 405) response.setHeader('allow', 'GET, HEAD')
  response.writeHead(status, { 'content-type': 'application/json', 'x-content-type-options': 'nosniff' })
  response.end(`${JSON.stringify({ code, message })}\n`)
}

async function closed(server: Server): Promise<void> {
  const ended = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await ended
}
