import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { Connection } from '@libp2p/interface'
import { LEAST_TREATY, hubId, publicBytes, signingKey } from '../../federation/index.ts'
import type { Established } from '../../federation/index.ts'
import { OapError } from '../../protocols/index.ts'
import type { ConnectionState } from '../../protocols/index.ts'
import type { AllowedHub } from '../allowlist/index.ts'
import type { LinkEnd, LiveLink } from './live-link.ts'
import { Links } from './links.ts'
import { TheirTreaties } from './their-treaties.ts'

const hub = (n: number): string => hubId(publicBytes(signingKey(new Uint8Array(32).fill(n))))
const HUB = hub(1)
const [FIRST, SECOND] = ['12D3KooWA', '12D3KooWB']

/** One end of a connection; what it is asked over is refused. */
class End {
  status = 'open'
  readonly name: string
  readonly direction: 'inbound' | 'outbound'

  constructor(name: string, isOurs: boolean) {
    this.name = name
    this.direction = isOurs ? 'outbound' : 'inbound'
  }

  close(): Promise<void> {
    this.status = 'closed'
    return Promise.resolve()
  }

  newStream(): Promise<never> {
    return Promise.reject(new Error('nobody there'))
  }

  get connection(): Connection {
    return this as unknown as Connection
  }
}

/** The links of node `self`, all of whose connections go to `peer`. */
function links(self: string, peer: string) {
  let ms = 0
  const granted = new Set<ConnectionState>()
  const linked = new Set<Connection>()
  const ends: LinkEnd[] = []
  const states = new Map<Connection, ConnectionState>()
  const stateOf = (connection: Connection): ConnectionState => {
    const state = states.get(connection) ?? ({ peer } as ConnectionState)
    states.set(connection, state)
    return state
  }
  const entry = (id: string) => ({ hub: id, addresses: [], treaty: LEAST_TREATY }) as unknown as AllowedHub
  const all = new Links({
    self,
    now: () => ({ ms, s: Math.floor(ms / 1000) }),
    allowed: id => ([HUB, hub(3)].includes(id) ? entry(id) : undefined),
    keys: { isRevoked: () => false, quarantine: () => undefined },
    stateOf,
    grants: {
      set: state => void granted.add(state),
      remove: state => granted.delete(state)
    },
    linked: {
      link: connection => linked.add(connection) !== undefined,
      unlink: connection => void linked.delete(connection)
    },
    theirs: new TheirTreaties(),
    record: async event => {
      const reason = event.content.data['reason']
      if (reason !== undefined) ends.push(reason as LinkEnd)
    },
    log: { info: () => undefined, warn: () => undefined }
  })
  const proved = (end: End, { boot = 'one', of = HUB, from = peer, until = 1e9 } = {}): void =>
    all.established(end.connection, {
      kind: 'linked',
      hub: of,
      peer: from,
      boot,
      transcript: 'ab'.repeat(32),
      delegation: { statement: { not_after: until } }
    } as Established)
  return {
    all,
    proved,
    ends,
    pass: (by: number) => (ms += by),
    /** The name of its one link's connection. What has a grant and what is linked is that one alone. */
    get link() {
      const connection = all.of(HUB)?.connection
      assert.deepEqual([...linked], connection === undefined ? [] : [connection])
      assert.deepEqual([...granted], connection === undefined ? [] : [stateOf(connection)])
      return (connection as unknown as End | undefined)?.name
    }
  }
}

/** Connections that are not wanted are closed a moment later. */
async function closing(t: TestContext): Promise<void> {
  t.mock.timers.tick(1000)
  await turn()
}

for (const order of ['the one of the first', 'the one of the second'] as const) {
  for (const otherSide of ['sees the same first', 'sees the other first'] as const) {
    test(`of two connections that both dialled, one is left on both sides: ${order}, which the other side ${otherSide}`, async t => {
      t.mock.timers.enable({ apis: ['setTimeout'] })
      const [a, b] = [links(FIRST, SECOND), links(SECOND, FIRST)]
      const dials = {
        a: [new End('a dialled', true), new End('a dialled', false)],
        b: [new End('b dialled', false), new End('b dialled', true)]
      } as const
      const [one, two] = order === 'the one of the first' ? [dials.a, dials.b] : [dials.b, dials.a]

      a.proved(one[0])
      a.proved(two[0])
      const [early, late] = otherSide === 'sees the same first' ? [one, two] : [two, one]
      b.proved(early[1])
      b.proved(late[1])
      await closing(t)

      assert.equal(a.link, 'a dialled')
      assert.equal(b.link, 'a dialled')
      assert.deepEqual(
        [dials.a, dials.b].map(ends => ends.map(({ status }) => status)),
        [
          ['open', 'open'],
          ['closed', 'closed']
        ]
      )
    })
  }
}

test('a connection that the same side dials again takes the place of the old one', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const b = links(SECOND, FIRST)
  const [old, fresh] = [new End('old', false), new End('new', false)]
  b.proved(old)

  b.proved(fresh)
  await closing(t)

  assert.equal(b.link, 'new')
  assert.deepEqual([old.status, fresh.status, b.ends], ['closed', 'open', ['replaced']])
})

test('a node that started anew takes the place of one that does not answer, and not of one that does', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  for (const [isThere, left, reasons] of [
    [true, 'old', ['second_node']],
    [false, 'new', ['replaced']]
  ] as const) {
    const b = links(SECOND, FIRST)
    b.all.answers = () => Promise.resolve(isThere)
    b.proved(new End('old', false))

    b.proved(new End('new', false), { boot: 'two' })
    await closing(t)

    assert.equal(b.link, left)
    assert.deepEqual(b.ends, reasons)
  }
})

test('another node of the same hub is turned away as long as the first one answers', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const b = links(SECOND, FIRST)
  b.all.answers = () => Promise.resolve(true)
  b.proved(new End('old', false))

  b.proved(new End('new', false), { from: '12D3KooWC', boot: 'two' })
  await closing(t)

  assert.equal(b.link, 'old')
  assert.deepEqual(b.ends, ['already_linked'])
})

test('a connection that closes ends its link once; another one’s close does nothing', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const b = links(SECOND, FIRST)
  const [end, other] = [new End('link', false), new End('other', false)]
  b.proved(end)

  b.all.closed(other.connection)
  assert.equal(b.link, 'link')
  b.all.closed(end.connection)
  b.all.closed(end.connection)

  assert.equal(b.link, undefined)
  assert.deepEqual(b.ends, ['connection_lost'])
})

test('a connection is one link at most: what is proved on it after that is refused, and nothing outlives it', () => {
  const b = links(SECOND, FIRST)
  const end = new End('link', false)
  b.proved(end)

  for (const id of [HUB, hub(3)])
    assert.throws(() => b.proved(end, { of: id }), { code: 'second_handshake', status: 409 })

  assert.deepEqual([b.link, b.all.size, b.ends], ['link', 1, []])
  end.status = 'closed'
  b.all.closed(end.connection)
  assert.equal(b.all.size, 0)
})

test('a link ends with the delegation by which it was proved, a minute after that at the latest', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const b = links(SECOND, FIRST)
  const end = new End('link', false)
  b.proved(end, { until: 100 })

  b.pass(160_000)
  b.all.expire()
  assert.equal(b.link, 'link')
  b.pass(1000)
  b.all.expire()
  await turn()
  await closing(t)

  assert.equal(b.link, undefined)
  assert.deepEqual([end.status, b.ends], ['closed', ['delegation_expired']])
})

test('a hub that was removed while it shook hands gets no link, and its connection is closed', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const b = links(SECOND, FIRST)
  const end = new End('late', false)

  b.proved(end, { of: hub(2) })
  await closing(t)

  assert.equal(b.link, undefined)
  assert.equal(end.status, 'closed')
})

test('a hub that has too much to do is still there; one that knows of no link, or says nothing, is not', async () => {
  const { all } = links(SECOND, FIRST)
  const answers = (error: OapError | undefined) => {
    const probe = () => (error === undefined ? Promise.resolve({}) : Promise.reject(error))
    return all.answers({ caller: { client: () => ({ probe }) } } as unknown as LiveLink)
  }

  assert.equal(await answers(undefined), true)
  assert.equal(await answers(new OapError('saturated')), true)
  assert.equal(await answers(new OapError('quota_peer')), true)
  assert.equal(await answers(new OapError('not_allowlisted')), false)
  assert.equal(await answers(new OapError('deadline')), false)
  assert.equal(await answers(new OapError('upstream')), false)
})
