import { setTimeout as sleep } from 'node:timers/promises'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import type { Libp2p } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { nodePlatform } from 'omnigate'
import { ConnectionCaller, OAP_PROTOCOL, OapError, echoService } from 'omnigate/protocols'
import type { Client, Operations, ServiceTable } from 'omnigate/protocols'

const DIAL_MS = 30_000
const TRIES = 10
const BODY = new Uint8Array(128).fill(7)

/** A peer that keeps every rule, on stock libp2p, from a loopback address of its own. */
export class Honest implements AsyncDisposable {
  readonly #node: Libp2p
  readonly #caller: ConnectionCaller

  private constructor(node: Libp2p, caller: ConnectionCaller) {
    this.#node = node
    this.#caller = caller
  }

  static async connect(target: string, from: string): Promise<Honest> {
    const node = await createLibp2p({
      addresses: { listen: [] },
      transports: [tcp({ dialOpts: { localAddress: from } as never })],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux({ streamOptions: { maxStreamWindowSize: 1_048_576 } })],
      connectionMonitor: { enabled: false }
    })
    try {
      const connection = await node.dial(multiaddr(target), { signal: AbortSignal.timeout(DIAL_MS) })
      const openStream = () => connection.newStream(OAP_PROTOCOL, { maxOutboundStreams: 512 })
      return new Honest(node, new ConnectionCaller({ platform: nodePlatform, openStream }))
    } catch (error) {
      await node.stop()
      throw error
    }
  }

  client<O extends Operations>(table: ServiceTable<O>): Client<O> {
    return this.#caller.client(table)
  }

  async echo(): Promise<void> {
    const answer = await this.client(echoService).echo({ body: BODY }, { deadlineMs: DIAL_MS })
    if (Buffer.compare(answer, BODY) !== 0) throw new Error('echo: other bytes came back')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#node.stop()
  }
}

/** Milliseconds from the first packet of a new peer to its first answer; the waits that overload asks for are in it. */
export async function msUntilServed(target: string, from: string): Promise<number> {
  const since = performance.now()
  await using peer = await Honest.connect(target, from)
  await served(() => peer.echo())
  return performance.now() - since
}

/** The work that a node has done before its idle memory means anything: peers, calls small and large, streams. */
export async function warmUp(target: string, from: string): Promise<void> {
  for (let i = 0; i < 20; i++) await msUntilServed(target, from)
  await using peer = await Honest.connect(target, from)
  const { echo, stream } = peer.client(echoService)
  const large = new Uint8Array(100_000)
  for (let i = 0; i < 100; i++) await atOnce(50, () => served(() => echo({ body: BODY })))
  for (let i = 0; i < 30; i++) await atOnce(30, () => served(() => echo({ body: large })))
  for (let i = 0; i < 30; i++) {
    await atOnce(30, async () => {
      const { body } = await served(() => stream({}, { body: [large] }))
      for await (const piece of body) void piece
    })
  }
}

/** The answer of a call that is made again while a node on a busy machine refuses it for overload. */
async function served<T>(call: () => Promise<T>): Promise<T> {
  for (let left = TRIES; ; left--) {
    try {
      return await call()
    } catch (error) {
      if (!(error instanceof OapError) || error.code !== 'saturated' || left === 0) throw error
      await sleep(error.retryAfterMs ?? DIAL_MS)
    }
  }
}

const atOnce = (calls: number, call: () => Promise<unknown>): Promise<unknown> =>
  Promise.all(Array.from({ length: calls }, call))
