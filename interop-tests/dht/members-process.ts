import { hash } from 'node:crypto'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { CID } from 'multiformats/cid'
import { create as digestOf } from 'multiformats/hashes/digest'
import { LinkedConnections, createTransport } from '../../transport/index.ts'
import type { LinkedServices } from '../../transport/index.ts'
import { answerParent } from '../redteam/loads/helper-process.ts'
import { dialledBy, pairs } from './ring.ts'
import type { Ring } from './ring.ts'
import { spreadOf } from './spread.ts'
import type { Spread } from './spread.ts'

// Members of a DHT without their nodes, all in this process: links are made without a handshake.

interface Asked extends Ring {
  readonly roots: number
  readonly lookups: number
}

export interface MemberFigures {
  readonly announce: Spread
  /** Until the first provider is named. */
  readonly find: Spread
  readonly found: number
  /** Members that a look-up asks. */
  readonly asked: number
  /** Of a look-up, of all that take part in it. */
  readonly cpuMs: number
  readonly rssBytes: number
}

interface Member {
  readonly node: Awaited<ReturnType<typeof createTransport>>
  readonly links: LinkedConnections
  readonly services: LinkedServices
}

const LOOK_MS = 50
const LATE_MS = 60_000
const SHA2_256 = 0x12
const RAW = 0x55

answerParent({ measure })

async function measure(asked: Asked): Promise<MemberFigures> {
  const members: Member[] = []
  for (let n = 0; n < asked.members; n++) members.push(await createMember())
  await linkAll(members, asked)
  const announce: number[] = []
  for (let n = 0; n < asked.roots; n++) {
    const since = performance.now()
    const { dht } = members[n % members.length]!.services
    for await (const _ of dht!.provide(rootOf(n), { signal: AbortSignal.timeout(LATE_MS) })) continue
    announce.push(performance.now() - since)
  }
  const find: number[] = []
  const before = process.cpuUsage()
  let [found, queries] = [0, 0]
  for (const [n, [from, by]] of pairs(asked, asked.lookups).entries()) {
    const since = performance.now()
    // One of the roots that `from` has announced.
    const mine = Math.floor((asked.roots - 1 - from) / members.length) + 1
    const root = rootOf(from + members.length * (n % mine))
    const signal = AbortSignal.timeout(LATE_MS)
    for await (const event of members[by]!.services.dht!.findProviders(root, { signal })) {
      if (event.name === 'SEND_QUERY') queries++
      if (event.name !== 'PROVIDER') continue
      if (!event.providers.some(({ id }) => id.equals(members[from]!.node.peerId))) continue
      found++
      break
    }
    find.push(performance.now() - since)
  }
  const { user, system } = process.cpuUsage(before)
  return {
    announce: spreadOf(announce),
    find: spreadOf(find),
    found,
    asked: queries / asked.lookups,
    cpuMs: (user + system) / 1000 / asked.lookups,
    rssBytes: process.memoryUsage.rss()
  }
}

async function createMember(): Promise<Member> {
  const links = new LinkedConnections()
  const node = await createTransport({
    privateKey: await generateKeyPair('Ed25519'),
    listen: ['/ip4/127.0.0.1/tcp/0'],
    federation: { name: 'main', links, topics: [] }
  })
  return { node, links, services: await node.services.federation!.open() }
}

/** Resolves when all have all whom they are linked with in their routing tables. */
async function linkAll(members: readonly Member[], ring: Ring): Promise<void> {
  for (const [n, { node, links }] of members.entries()) {
    for (const other of dialledBy(ring, n).map(at => members[at]!)) {
      const outbound = await node.dial(other.node.getMultiaddrs()[0]!)
      const inbound = await until(() => other.node.getConnections(node.peerId).at(-1))
      links.link(outbound)
      other.links.link(inbound)
    }
  }
  for (const { services } of members)
    await until(() => services.dhtPeers().length >= Math.min(2 * ring.reach, members.length - 1) || undefined)
}

async function until<T>(look: () => T | undefined): Promise<T> {
  const end = performance.now() + 60_000
  for (;;) {
    const seen = look()
    if (seen !== undefined) return seen
    if (performance.now() > end) throw new Error(`in vain: ${String(look)}`)
    await new Promise(resolve => setTimeout(resolve, LOOK_MS))
  }
}

const rootOf = (n: number): CID =>
  CID.createV1(RAW, digestOf(SHA2_256, hash('sha256', `root ${n}`, 'buffer')))
