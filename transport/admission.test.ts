import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Connection } from '@libp2p/interface'
import { createAdmission } from './admission.ts'
import type { AdmissionOptions } from './admission.ts'
import { keptBytes } from './connection-streams.ts'
import { LinkedConnections } from './linked/linked-connections.ts'
import { encodeHeader } from './tuned/yamux-frames.ts'
import { createDialer, createTransport } from './transport.ts'

const BOUNDS = {
  maxConnections: 40,
  maxSharePercent: 25,
  maxPerPrefix: 2,
  graceMs: 10_000,
  maxOpening: 30,
  maxStreams: 8,
  maxKeptBytes: 1_000_000,
  maxLoopPercent: 25,
  maxWaiting: 256,
  maxWaitMs: 5000,
  utilisation: () => 0,
  loopbackIsKnown: false
}

const A_LENGTH_BEYOND_EVERY_LIMIT = Buffer.from('ffffff7f', 'hex')

void describe('admission', () => {
  void test('refuses one stranger too many of a prefix and names the reason', async () => {
    const refused: string[] = []
    await using hub = await listening({ onRefused: reason => refused.push(reason) })
    await hub.dial()
    await hub.dial()

    await assert.rejects(hub.dial())

    assert.deepEqual(refused, ['stranger_prefix'])
    assert.equal(hub.admission.strangers, 2)
  })

  void test('closes a quiet stranger when another needs its place', async () => {
    await using hub = await listening({ maxConnections: 8, maxPerPrefix: 8 })
    await hub.dial()
    await hub.dial()
    const gone = hub.closed()

    const newcomer = await hub.dial()

    await gone
    assert.equal(newcomer.status, 'open')
    assert.equal(hub.admission.strangers, 2)
  })

  void test('closes the stranger that keeps most unread and refuses its network for a while', async () => {
    let now = 0
    const refused: string[] = []
    const onRefused = (reason: string): void => void refused.push(reason)
    await using hub = await listening({ maxKeptBytes: 100_000, now: () => now, onRefused })
    await hub.node.handle('/unread/1', stream => stream.pause())
    const [hoarder, modest] = [await hub.dial(), await hub.dial()]
    await fill(hub, hoarder, 90_000)
    await fill(hub, modest, 20_000)

    const gone = hub.closed()
    hub.admission.shed()

    await gone
    assert.equal(modest.status, 'open')
    await assert.rejects(hub.dial())
    assert.equal(refused.at(-1), 'stranger_prefix')
    now = 60_000
    assert.equal((await hub.dial()).status, 'open')
  })

  void test('counts what a stranger has sent of a frame that it does not finish', async () => {
    await using hub = await listening({})
    await hub.node.handle('/unread/1', () => {})
    const stranger = await hub.dial()
    const upload = await stranger.newStream('/unread/1')
    const inbound = hub.inbound(stranger)

    sendRaw(stranger, encodeHeader({ type: 0, flag: 0, streamID: Number(upload.id), length: 262_144 }))
    for (let i = 0; i < 100; i++) sendRaw(stranger, new Uint8Array(2000))
    while (keptBytes(inbound) < 200_000) await turn()

    assert.equal(keptBytes(inbound), 200_000)
  })

  void test('bounds the streams of a stranger, negotiated or not, until it is promoted', async () => {
    await using hub = await listening({ maxStreams: 1 })
    await hub.node.handle('/quiet/1', () => {}, { maxInboundStreams: 100 })
    const stranger = await hub.dial()
    const open = () => stranger.newStream('/quiet/1', { maxOutboundStreams: 100 })
    for (let i = 0; i < 9; i++) await open()

    await assert.rejects(open())
    hub.admission.promote(hub.inbound(stranger))
    assert.equal((await open()).status, 'open')
  })

  void test('has the place again after a stranger has left', async () => {
    await using hub = await listening({ maxPerPrefix: 1 })
    const first = await hub.dial()

    await Promise.all([hub.closed(), first.close()])

    assert.equal(hub.admission.strangers, 0)
    assert.equal((await hub.dial()).status, 'open')
  })

  void test('has the place again after an upgrade failed', async () => {
    await using hub = await listening({ maxPerPrefix: 1 })
    const stranger = connect(hub.port, '127.0.0.1').on('error', () => {})
    stranger.write(A_LENGTH_BEYOND_EVERY_LIMIT)

    await new Promise(resolve => stranger.once('close', resolve))

    assert.equal(hub.admission.strangers, 0)
    assert.equal((await hub.dial()).status, 'open')
  })

  void test('makes room when a stranger is promoted', async () => {
    await using hub = await listening({ maxPerPrefix: 1 })
    await hub.dial()
    const [inbound] = hub.node.getConnections()

    assert.equal(hub.admission.isStranger(inbound!), true)
    hub.admission.promote(inbound!)

    assert.equal(hub.admission.isStranger(inbound!), false)
    assert.equal((await hub.dial()).status, 'open')
  })

  void test('closes a quiet stranger after its grace and leaves a promoted one alone', async () => {
    let now = 0
    await using hub = await listening({ now: () => now })
    const [known, quiet] = [await hub.dial(), await hub.dial()]
    hub.admission.promote(hub.inbound(known))

    now = 9999
    hub.admission.closeOverdue()
    assert.equal(quiet.status, 'open')

    const gone = hub.closed()
    now = 10_000
    hub.admission.closeOverdue()
    await gone
    assert.equal(known.status, 'open')
    assert.equal(hub.node.getConnections().length, 1)
  })

  void test('bars the network of a stranger that goes on asking for protocols that are not there', async () => {
    const refused: string[] = []
    await using hub = await listening({
      maxPerPrefix: 2,
      now: () => 0,
      onRefused: reason => refused.push(reason)
    })
    const [curious, modest] = [await hub.dial(), await hub.dial()]
    const gone = hub.closed()

    await assert.rejects(modest.newStream('/none/1'), { name: 'UnsupportedProtocolError' })
    for (let i = 0; i < 33; i++) await assert.rejects(curious.newStream('/none/1'))

    await gone
    assert.equal(modest.status, 'open')
    assert.deepEqual(refused, ['stranger_share'])
    await assert.rejects(hub.dial())
    assert.equal(refused.at(-1), 'stranger_prefix')
  })

  void test('answers a few proposals of a stranger on one stream and any number of a promoted one', async () => {
    await using hub = await listening({ maxPerPrefix: 2 })
    await hub.node.handle('/there/1', () => {})
    const many = Array.from({ length: 20 }, (_, i) => `/none/${i}`)
    const [stranger, known] = [await hub.dial(), await hub.dial()]
    hub.admission.promote(hub.inbound(known))

    assert.equal((await stranger.newStream([...many.slice(0, 5), '/there/1'])).protocol, '/there/1')
    await assert.rejects(stranger.newStream([...many, '/there/1']))
    assert.equal((await known.newStream([...many, '/there/1'])).protocol, '/there/1')
  })

  void test('knows a linked connection for as long as it has its link, then closes it after its grace', async () => {
    let now = 0
    await using hub = await listening({ maxPerPrefix: 2, maxStreams: 1, now: () => now })
    await hub.node.handle('/quiet/1', () => {}, { maxInboundStreams: 100 })
    const connection = await hub.dial()
    const open = () => connection.newStream('/quiet/1', { maxOutboundStreams: 100 })
    hub.links.link(hub.inbound(connection))
    for (let i = 0; i < 20; i++) await open()
    now = 60_000
    hub.admission.closeOverdue()
    assert.equal(connection.status, 'open')
    assert.equal(hub.admission.strangers, 0)

    hub.links.unlink(hub.inbound(connection))

    assert.equal(hub.admission.isStranger(hub.inbound(connection)), true)
    await assert.rejects(open())
    const gone = hub.closed()
    now = 70_000
    hub.admission.closeOverdue()
    await gone
    assert.equal(hub.admission.strangers, 0)
  })

  void test('closes a connection whose link ends when its network has no place for one more stranger', async () => {
    const refused: string[] = []
    await using hub = await listening({ maxPerPrefix: 1, onRefused: reason => refused.push(reason) })
    const linked = await hub.dial()
    hub.links.link(hub.inbound(linked))
    const other = await hub.dial()
    const gone = hub.closed()

    hub.links.unlink(hub.inbound(linked))

    await gone
    assert.deepEqual(refused, ['stranger_prefix'])
    assert.equal(other.status, 'open')
    assert.equal(hub.admission.strangers, 1)
  })

  void test('leaves a connection known that showed a token while it was linked', async () => {
    await using hub = await listening({})
    const connection = hub.inbound(await hub.dial())
    hub.links.link(connection)
    hub.admission.promote(connection)

    hub.links.unlink(connection)

    assert.equal(hub.admission.isStranger(connection), false)
  })

  void test('makes no stranger of a connection that this node dialled when its link ends', async () => {
    await using hub = await listening({})
    await using other = await listening({})
    const outbound = await hub.node.dial(other.node.getMultiaddrs()[0]!)
    hub.links.link(outbound)

    hub.links.unlink(outbound)

    assert.equal(hub.admission.isStranger(outbound), false)
    assert.equal(outbound.status, 'open')
  })

  void test('keeps nothing of a linked connection that closes', async () => {
    await using hub = await listening({ maxPerPrefix: 1 })
    const connection = await hub.dial()
    hub.links.link(hub.inbound(connection))

    await Promise.all([hub.closed(), connection.close()])

    assert.equal(hub.admission.strangers, 0)
    assert.equal((await hub.dial()).status, 'open')
  })

  void test('takes loopback for known where the configuration says so', async () => {
    await using hub = await listening({ maxPerPrefix: 1, loopbackIsKnown: true })

    await hub.dial()
    await hub.dial()

    assert.equal(hub.admission.strangers, 0)
    assert.equal(hub.admission.isStranger(hub.node.getConnections()[0]!), false)
  })
})

/** Sends bytes that nobody reads, until all of them have arrived. */
async function fill(hub: Awaited<ReturnType<typeof listening>>, connection: Connection, bytes: number) {
  const stream = await connection.newStream('/unread/1')
  stream.send(new Uint8Array(bytes))
  const inbound = hub.inbound(connection)
  while (keptBytes(inbound) < bytes) await turn()
}

/** Past the muxer, as a peer could that keeps none of its rules. */
function sendRaw(connection: Connection, bytes: Uint8Array): void {
  ;(connection as unknown as { muxer: { send(data: Uint8Array): boolean } }).muxer.send(bytes)
}

async function listening(options: Partial<AdmissionOptions>) {
  const admission = createAdmission({ ...BOUNDS, ...options })
  const { connectionGater } = admission
  const privateKey = await generateKeyPair('Ed25519')
  const node = await createTransport({ privateKey, listen: ['/ip4/127.0.0.1/tcp/0'], connectionGater })
  const unwatch = admission.watch(node)
  const links = new LinkedConnections()
  const unfollow = admission.follow(links)
  const dialers = [await createDialer()]
  const address = node.getMultiaddrs()[0]!
  return {
    admission,
    links,
    node,
    port: Number(address.getComponents().find(({ name }) => name === 'tcp')!.value),
    async dial(): Promise<Connection> {
      const dialer = await createDialer({ encryption: ['noise'] })
      dialers.push(dialer)
      const seen = Promise.withResolvers<void>()
      node.addEventListener('connection:open', () => seen.resolve(), { once: true })
      const connection = await dialer.dial(address)
      await seen.promise
      return connection
    },
    inbound(outbound: Connection): Connection {
      const dialer = dialers.find(one => one.getConnections().includes(outbound))!
      return node.getConnections(dialer.peerId)[0]!
    },
    closed: () => once(node as unknown as EventTarget, 'connection:close'),
    async [Symbol.asyncDispose]() {
      unwatch()
      unfollow()
      await Promise.all([...dialers, node].map(async one => one.stop()))
    }
  }
}
