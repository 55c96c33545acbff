import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { storageService } from 'omnigate/protocols'
import { told } from '../hostile-case.ts'
import type { HostileCase, Scene } from '../hostile-case.ts'
import { KAD_TYPE, KadStream, field, kadMessage, prefixed, varint } from '../kad-stream.ts'
import { HubHandshake } from '../own-hub.ts'
import { request } from '../raw-frame.ts'
import type { YamuxLink } from '../yamux-link.ts'

const { app } = storageService
/** As many streams of the DHT as one connection may have. */
const KAD_STREAMS = 32
const LINK_TRIES = 50
const MIB = 1_048_576
/** Until a peer that has spent all may ask again. */
const MORE_MS = 1000
/** /ip4/127.0.0.1/tcp/1 */
const ADDRESS = Uint8Array.of(4, 127, 0, 0, 1, 6, 0, 1)

interface Linked {
  readonly link: YamuxLink
  /** The attacker as the DHT names it. */
  readonly self: Uint8Array
  /** The calls of the hub, numbered from 10. */
  readonly call: (header: Parameters<typeof request>[0], corr: number) => Promise<string>
}

/** The attacker as a linked hub, once the node speaks the DHT with it. */
async function linked({ attacker, hubs, from }: Scene): Promise<Linked> {
  const link = await attacker.connect(from())
  const stream = await link.open().negotiate().ready()
  const answer = await new HubHandshake(hubs.sharing, attacker).made(stream)
  if (answer?.code !== 0) throw new Error(`the hub is not linked: ${told(answer)}`)
  const self = Buffer.concat([Uint8Array.of(0, 36, 8, 1, 18, 32), attacker.publicKey])
  for (let n = 0; ; n++) {
    const probe = new KadStream(link)
    const fate = await probe.fate(self)
    probe.stream.reset()
    if (fate === 'answered') break
    if (n === LINK_TRIES) throw new Error(`the node does not speak the DHT: ${fate}`)
  }
  return {
    link,
    self,
    call: async (header, corr) => {
      stream.writeNow(request(header, { app, corr: BigInt(corr) }))
      return told(await stream.next(frame => frame.corr === BigInt(corr)))
    }
  }
}

const rootKey = (n: number): Uint8Array =>
  Buffer.concat([Uint8Array.of(0x12, 32), createHash('sha256').update(`root ${n}`).digest()])

/** What all of them are, or how many what. */
function alike(fates: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const fate of fates) counts.set(fate, (counts.get(fate) ?? 0) + 1)
  const [first] = counts.keys()
  return counts.size === 1 ? first! : [...counts].map(([fate, count]) => `${count} ${fate}`).join(', ')
}

/** Messages that no honest member sends: what a question behind each gets. */
const STRAY: readonly ((self: Uint8Array) => Uint8Array)[] = [
  // No protobuf, a length without end, and one that never comes.
  () => prefixed(Uint8Array.of(0xff, 0xff, 0xff)),
  () => Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f),
  () => varint(4 * MIB),
  // A root by another hash, a key as long as a message may be, and none.
  self => prefixed(record(self, Buffer.concat([Uint8Array.of(1, 0x55, 0x13, 64), Buffer.alloc(64)]))),
  self =>
    prefixed(record(self, Buffer.concat([Uint8Array.of(1, 0x55, 0), varint(60_000), Buffer.alloc(60_000)]))),
  self => prefixed(kadMessage(KAD_TYPE.addProvider, { provider: self, addresses: [ADDRESS] })),
  // More than a message may have, of addresses.
  self =>
    prefixed(
      kadMessage(KAD_TYPE.addProvider, {
        key: rootKey(0),
        provider: self,
        addresses: Array.from({ length: 20_000 }, () => ADDRESS)
      })
    ),
  // Values, of any namespace, and one that is a public key.
  () => prefixed(stored(Buffer.from('/elsewhere/key'))),
  self => prefixed(stored(Buffer.concat([Buffer.from('/pk/'), self])))
]

const record = (self: Uint8Array, key: Uint8Array): Uint8Array =>
  kadMessage(KAD_TYPE.addProvider, { key, provider: self, addresses: [ADDRESS] })

const stored = (key: Uint8Array): Uint8Array =>
  kadMessage(KAD_TYPE.putValue, {
    key,
    record: Buffer.concat([field(1, key), field(2, Buffer.alloc(1000))])
  })

/** What linked hubs do with blobs and the DHT. */
export const sharingCases: readonly HostileCase[] = [
  {
    name: 'a linked hub that says to have thousands of blobs, as fast as it can',
    on: 'strict',
    expected: 'streams end, and a question is answered a second later',
    async run(scene) {
      const { link, self } = await linked(scene)
      let ended = 0
      let kad = new KadStream(link)
      for (let n = 0; n < scene.count(3000, 100_000); n++) {
        if (await kad.stream.write(prefixed(record(self, rootKey(n))))) continue
        ended++
        kad = new KadStream(link)
      }
      await sleep(MORE_MS)
      const fate = await new KadStream(link).fate(self)
      return `${ended > 0 ? 'streams end' : 'no stream ended'}, and a question is ${fate} a second later`
    }
  },
  {
    name: 'a linked hub that sends messages of the DHT which no honest one sends',
    on: 'strict',
    expected: 'stream reset',
    async run(scene) {
      const { link, self } = await linked(scene)
      const fates: string[] = []
      for (let round = 0; round < scene.count(3, 30); round++) {
        for (const stray of STRAY) {
          const kad = new KadStream(link)
          await kad.stream.write(stray(self))
          fates.push(await kad.fate(self))
        }
      }
      return alike(fates)
    }
  },
  {
    name: 'a linked hub that announces messages of 4 MiB on all streams of the DHT at once, and sends them',
    on: 'strict',
    expected: 'stream reset',
    async run(scene) {
      const { link, self } = await linked(scene)
      const most = Buffer.alloc(4 * MIB)
      const all = Array.from({ length: KAD_STREAMS }, () => new KadStream(link))
      const fates = await Promise.all(
        all.map(async kad => {
          await kad.stream.write(varint(most.length))
          await kad.stream.write(most)
          return await kad.fate(self)
        })
      )
      return alike(fates)
    }
  },
  {
    name: 'a linked hub that says where another peer has a blob, and names a thousand addresses of its own',
    on: 'strict',
    expected: 'streams end, and a question is answered a second later',
    async run(scene) {
      const { link, self } = await linked(scene)
      const other = Buffer.concat([Uint8Array.of(0, 36, 8, 1, 18, 32), Buffer.alloc(32, 7)])
      let ended = 0
      let kad = new KadStream(link)
      for (let n = 0; n < scene.count(200, 2000); n++) {
        const addresses = Array.from({ length: 1000 }, (_, port) =>
          Uint8Array.of(4, 127, 0, n & 0xff, 1, 6, port >> 8, port & 0xff)
        )
        const mine = kadMessage(KAD_TYPE.addProvider, { key: rootKey(n), provider: self, addresses })
        const theirs = record(other, rootKey(n))
        if (await kad.stream.write(Buffer.concat([prefixed(mine), prefixed(theirs)]))) continue
        ended++
        kad = new KadStream(link)
      }
      await sleep(MORE_MS)
      const fate = await new KadStream(link).fate(self)
      return `${ended > 0 ? 'streams end' : 'no stream ended'}, and a question is ${fate} a second later`
    }
  },
  {
    name: 'a linked hub that asks for blobs in wrong and in long words',
    on: 'strict',
    expected: '400 bad_request, 400 bad_cid, 404 not_found, 400 bad_request',
    async run(scene) {
      const { call } = await linked(scene)
      const cid = 'bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq'
      const answers = [
        await call({ op: 'has', cids: Array.from({ length: 1025 }, () => cid) }, 10),
        await call({ op: 'get', cid: 'b'.repeat(10_000) }, 11),
        await call({ op: 'get', cid }, 12),
        await call({ op: 'get', cid, offset: -1 }, 13)
      ]
      return answers.join(', ')
    }
  },
  {
    name: 'a linked hub that asks has of 1,024 blobs again and again',
    on: 'strict',
    expected: 'answered or 429',
    async run(scene) {
      const { call } = await linked(scene)
      const cids = Array.from(
        { length: 1024 },
        () => 'bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq'
      )
      const answers = new Set<string>()
      for (let n = 0; n < scene.count(100, 300); n++) answers.add(await call({ op: 'has', cids }, 10 + n))
      const isGood = [...answers].every(answer => answer === '0' || answer.startsWith('429 '))
      return isGood ? 'answered or 429' : [...answers].join(', ')
    }
  }
]
