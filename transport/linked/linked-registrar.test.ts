import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { PeerId } from '@libp2p/interface'
import { silentLogger } from '../silent-logger.ts'
import { FakeConnection } from './fake-connection.fixture.ts'
import { LinkedConnections } from './linked-connections.ts'
import { LinkedRegistrar } from './linked-registrar.ts'

const PROTOCOL = '/linked/1'

void describe('a linked protocol', () => {
  test('is unknown on a connection without a link, before it has one and after', async () => {
    const { links, served, registrar } = await serving()
    const connection = new FakeConnection('peer')

    assert.equal(await connection.open(PROTOCOL), 'unsupported')
    links.link(connection.real)
    assert.equal(await connection.open(PROTOCOL), 'served')
    links.unlink(connection.real)

    assert.equal(await connection.open(PROTOCOL), 'unsupported')
    assert.deepEqual(connection.protocols, ['/all/1'])
    assert.deepEqual(registrar.getProtocols(), [PROTOCOL])
    assert.equal(served.length, 1)
  })

  test('is shown once, however often a connection is linked', () => {
    const links = new LinkedConnections()
    const registrar = new LinkedRegistrar(links, silentLogger.forComponent('test'))
    registrar.open()
    const connection = new FakeConnection('peer')
    void registrar.handle(PROTOCOL, () => {})

    for (let i = 0; i < 3; i++) {
      links.link(connection.real)
      assert.deepEqual(connection.protocols, ['/all/1', PROTOCOL])
      links.unlink(connection.real)
    }
  })

  test('is refused when the link ends while its stream is negotiated', async () => {
    const { links, served } = await serving()
    const connection = new FakeConnection('peer')
    links.link(connection.real)

    const outcome = await connection.open(PROTOCOL, () => links.unlink(connection.real))

    assert.equal(outcome, 'reset')
    assert.deepEqual(served, [])
  })

  test('has its streams reset when the link ends, and no other stream', async () => {
    const { links } = await serving()
    const connection = new FakeConnection('peer')
    links.link(connection.real)
    await connection.open(PROTOCOL)
    await connection.open('/all/1')

    links.unlink(connection.real)

    assert.deepEqual(
      connection.streams.map(({ status }) => status),
      ['reset', 'open']
    )
  })

  test('has the bounds of its handler, else those of libp2p', async () => {
    const { registrar } = await serving()
    const handler = (): void => {}
    await registrar.handle('/bounded/1', handler, { maxInboundStreams: 2 })

    assert.deepEqual(registrar.getHandler('/bounded/1').options, {
      maxInboundStreams: 2,
      maxOutboundStreams: 64
    })
    assert.equal(registrar.getHandler(PROTOCOL).options.maxInboundStreams, 32)
    await assert.rejects(registrar.handle(PROTOCOL, handler), /has a handler already/)
  })

  test('is unknown again once the registrar is closed or the handler gone', async () => {
    const { links, registrar } = await serving()
    const connection = new FakeConnection('peer')
    links.link(connection.real)

    await registrar.unhandle(PROTOCOL)
    assert.equal(await connection.open(PROTOCOL), 'unsupported')

    await registrar.handle(PROTOCOL, () => {})
    assert.equal(await connection.open(PROTOCOL), 'served')
    registrar.close()
    assert.equal(await connection.open(PROTOCOL), 'unsupported')
  })
})

void describe('a topology', () => {
  test('is told of a peer when it is linked, and that it is gone when the link ends', async () => {
    const { links, told } = await listening()
    const connection = new FakeConnection('a')

    assert.deepEqual(told, [])
    links.link(connection.real)
    assert.deepEqual(told, ['+a'])
    links.unlink(connection.real)

    assert.deepEqual(told, ['+a', '-a'])
  })

  test('is told nothing of a connection that closes without ever having been linked', async () => {
    const { links, told } = await listening()
    const connection = new FakeConnection('a')

    connection.close()
    links.link(connection.real)

    assert.deepEqual(told, [])
  })

  test('is told of a peer once, and of its other connection when the first is gone', async () => {
    const { links, told } = await listening()
    const [first, second] = [new FakeConnection('a'), new FakeConnection('a')]
    links.link(first.real)
    links.link(second.real)
    assert.deepEqual(told, ['+a'])

    first.close()
    assert.deepEqual(told, ['+a', '-a', '+a'])

    second.close()
    assert.deepEqual(told, ['+a', '-a', '+a', '-a'])
  })

  test('is not told of the end of a connection that another stood for', async () => {
    const { links, told } = await listening()
    const [first, second] = [new FakeConnection('a'), new FakeConnection('a')]
    links.link(first.real)
    links.link(second.real)

    second.close()

    assert.deepEqual(told, ['+a'])
  })

  test('is told when both sides know of the link, and not of one that ended before', async () => {
    const waiting: (() => void)[] = []
    const { links, registrar, told } = await listening(tell => void waiting.push(tell))
    const [here, gone] = [new FakeConnection('peer'), new FakeConnection('other')]
    await registrar.handle(PROTOCOL, () => {})
    links.link(here.real)
    links.link(gone.real)

    assert.deepEqual([told, await here.open(PROTOCOL)], [[], 'served'])
    links.unlink(gone.real)
    for (const tell of waiting) tell()

    assert.deepEqual(told, ['+peer'])
  })

  test('that comes late is told of those that are linked already', async () => {
    const { links, registrar } = await listening()
    links.link(new FakeConnection('a').real)

    const told = await listen(registrar)

    assert.deepEqual(told, ['+a'])
  })

  test('is told of those that were linked before the registrar was opened', async () => {
    const links = new LinkedConnections()
    const registrar = new LinkedRegistrar(links, silentLogger.forComponent('test'))
    const told = await listen(registrar)
    links.link(new FakeConnection('a').real)
    assert.deepEqual(told, [])

    registrar.open()

    assert.deepEqual(told, ['+a'])
  })

  test('is told nothing once it is unregistered', async () => {
    const { links, told, registrar, id } = await listening()
    registrar.unregister(id)

    links.link(new FakeConnection('a').real)

    assert.deepEqual(told, [])
    assert.deepEqual(registrar.getTopologies(PROTOCOL), [])
  })

  test('that throws does not keep another from being told', async () => {
    const { links, registrar } = await listening()
    await registrar.register(PROTOCOL, {
      onConnect: () => {
        throw new Error('broken')
      },
      onDisconnect: () => Promise.reject(new Error('broken'))
    })
    const told = await listen(registrar)
    const connection = new FakeConnection('a')

    links.link(connection.real)
    links.unlink(connection.real)

    assert.deepEqual(told, ['+a', '-a'])
  })

  test('is told again after identify, if the connection is the one that it knows', async () => {
    const { links, told, registrar } = await listening()
    const [linked, stranger] = [new FakeConnection('a'), new FakeConnection('b')]
    links.link(linked.real)

    registrar.tellAgain(stranger.real)
    registrar.tellAgain(linked.real)

    assert.deepEqual(told, ['+a', '+a'])
  })
})

function opened(later = (tell: () => void): void => tell()) {
  const links = new LinkedConnections()
  const registrar = new LinkedRegistrar(links, silentLogger.forComponent('test'), later)
  registrar.open()
  return { links, registrar }
}

async function serving() {
  const { links, registrar } = opened()
  const served: string[] = []
  await registrar.handle(PROTOCOL, (_, { remotePeer }) => void served.push(remotePeer.toString()))
  return { links, registrar, served }
}

async function listening(later?: (tell: () => void) => void) {
  const { links, registrar } = opened(later)
  const told: string[] = []
  const id = await registrar.register(PROTOCOL, topologyOf(told))
  return { links, registrar, told, id }
}

async function listen(registrar: LinkedRegistrar): Promise<string[]> {
  const told: string[] = []
  await registrar.register(PROTOCOL, topologyOf(told))
  return told
}

const topologyOf = (told: string[]) => ({
  onConnect: (peer: PeerId) => void told.push(`+${peer.toString()}`),
  onDisconnect: (peer: PeerId) => void told.push(`-${peer.toString()}`)
})
