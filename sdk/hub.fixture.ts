import { createHash } from 'node:crypto'
import { connect as connectTcp, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { createNode, loadConfig } from '../node/index.ts'
import type { NodeOptions, OmnigateNode } from '../node/index.ts'
import { plainPlatform } from '../protocols/index.ts'
import { createDialer, zstd } from '../transport/index.ts'
import { createClientBy } from './create-client.ts'
import type { ClientOptions } from './create-client.ts'
import type { Hub } from './hub.ts'
import { realTime } from './time.ts'
import type { Time } from './time.ts'

const FLAGS = {
  'node.listen': ['/ip4/127.0.0.1/tcp/0'],
  'http.enabled': false,
  'capabilities.openVerbs': ['*'],
  'strangers.loopbackIsKnown': true,
  'log.level': 'silent',
  // A machine that others keep busy is no overload.
  'limits.maxDelayMs': 3_600_000
}

const known = new WeakMap<TestContext, AsyncDisposableStack>()

/** What a test leaves to be ended after it; what was begun last ends first. */
export function endings(t: TestContext): AsyncDisposableStack {
  const stack = known.get(t) ?? new AsyncDisposableStack()
  if (!known.has(t)) t.after(() => stack.disposeAsync())
  known.set(t, stack)
  return stack
}

export async function runningNode(
  t: TestContext,
  flags: Readonly<Record<string, unknown>> = {},
  options: NodeOptions = {}
): Promise<OmnigateNode> {
  const node = createNode(loadConfig({ flags: { ...FLAGS, ...flags } }).config, options)
  endings(t).use(node)
  await node.start()
  return node
}

export const addressOf = (node: OmnigateNode, way: Way = 'OAP'): string =>
  way === 'HTTP' ? node.status().http! : node.status().addresses[0]!

/** How a client speaks with its hub. */
export type Way = 'OAP' | 'HTTP'

/** What a node must be told to serve callers that way; over HTTP nobody is counted by the minute. */
export const flagsFor = (way: Way): Readonly<Record<string, unknown>> =>
  way === 'OAP' ? {} : { 'http.enabled': true, 'http.listen': '127.0.0.1:0', 'gateway.rate_limits': false }

/** However busy the machine is, nothing is shed. */
export const UNHURRIED = { loopDelay: { tick: () => undefined, take: () => 0 } }

const ADMIN = 'admin-token-of-at-least-32-bytes-1'

/** A node that serves callers that way. */
export const nodeFor = (t: TestContext, way: Way): Promise<OmnigateNode> =>
  runningNode(t, flagsFor(way), { overrides: { ...UNHURRIED, env: { AMS_ADMIN_TOKEN: ADMIN } } })

/** A client of such a node that may do everything. */
export const clientFor = (t: TestContext, way: Way, url: string, options: ClientOptions = {}): Promise<Hub> =>
  hubClient(t, { url, ...(way === 'HTTP' && { token: ADMIN }), ...options })

/** The same test for each way to a hub. */
export function overEach(name: string, run: (t: TestContext, way: Way) => Promise<void>): void {
  for (const way of ['OAP', 'HTTP'] as const)
    test(`${name}, over ${way}`, { timeout: 120_000 }, t => run(t, way))
}

/** A client that hears nothing of the environment; closed after the test. */
export async function hubClient(t: TestContext, options: ClientOptions, time: Time = realTime): Promise<Hub> {
  const platform = { ...plainPlatform, ...zstd }
  const http = { fetch: (to: string, init: RequestInit) => fetch(to, init), streamsUp: true }
  const hub = await createClientBy(
    { createDialer, platform, time, http, sha256: () => createHash('sha256'), environment: async () => ({}) },
    options
  )
  endings(t).use(hub)
  return hub
}

/** How a connection ends: in peace, or as a program that died ends it. */
export type CutKind = 'FIN' | 'RST'

const PORT = /(?:\/tcp\/|^http:\/\/127\.0\.0\.1:)(\d+)/

/** A relay to a node that can be cut: those who call through it have to dial again. */
export async function relayTo(t: TestContext, address: string) {
  const target = Number(PORT.exec(address)![1])
  const sockets: Socket[] = []
  const clients: (readonly [client: Socket, onward: Socket])[] = []
  let dials = 0
  let limit: { readonly bytes: number; readonly kind: CutKind } | undefined
  const relay = createServer(client => {
    dials++
    const onward = connectTcp(target, '127.0.0.1')
    sockets.push(client, onward)
    clients.push([client, onward])
    for (const socket of [client, onward]) socket.on('error', () => {})
    client.pipe(onward)
    if (limit === undefined) onward.pipe(client)
    else passAtMost(limit.bytes, onward, client, limit.kind)
    limit = undefined
  })
  const cut = (): void => sockets.splice(0).forEach(socket => socket.destroy())
  endings(t).defer(() => {
    relay.close()
    cut()
  })
  await new Promise<void>(resolve => relay.listen(0, '127.0.0.1', resolve))
  const { port } = relay.address() as AddressInfo
  return {
    address: address.replace(PORT, found => found.replace(/\d+$/, `${port}`)),
    cut,
    dials: () => dials,
    /** From here on nothing that clients write is read, as of a node that stopped reading. */
    hold: () => clients.forEach(([client, onward]) => void client.unpipe(onward).pause()),
    release: () => clients.forEach(([client, onward]) => void client.pipe(onward)),
    /** Of what the node sends over the next connection only so much arrives. */
    cutNextAfter: (bytes: number, kind: CutKind) => void (limit = { bytes, kind })
  }
}

function passAtMost(bytes: number, from: Socket, to: Socket, kind: CutKind): void {
  let left = bytes
  from.on('data', (data: Buffer) => {
    const piece = data.subarray(0, left)
    left -= piece.length
    if (piece.length === 0) return
    to.write(piece, () => {
      if (left > 0) return
      if (kind === 'RST') to.resetAndDestroy()
      else to.end()
      from.destroy()
    })
  })
}
