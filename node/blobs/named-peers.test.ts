import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, test } from 'node:test'
import type { BlobProvider, Clock, Question } from '../../dht/index.ts'
import { cidOf } from '../../protocols/index.ts'
import { NamedPeers } from './named-peers.ts'
import type { Reached } from './named-peers.ts'

const QUESTION: Question = { cid: cidOf('raw', new Uint8Array(32)), offset: 0 }
const ADDRESSES = ['/ip4/127.0.0.1/tcp/4001']

void describe('a peer that the DHT names', () => {
  void test('is not dialled before it is asked, and once for all questions', async () => {
    const { peers, dials } = createPeers()
    const provider = peers.provider({ peer: 'a', addresses: ADDRESSES })!

    assert.equal(peers.size, 0)
    await Promise.all([asked(provider), asked(provider)])

    assert.deepEqual(
      dials.map(({ addresses }) => addresses),
      [['/ip4/127.0.0.1/tcp/4001/p2p/a']]
    )
  })

  void test('is left five seconds after the last question, read to its end or given up', async () => {
    for (const leave of [readAll, giveUp, giveUpUnread]) {
      const { peers, dials, clock } = createPeers()
      const provider = peers.provider({ peer: 'a', addresses: ADDRESSES })!
      const first = await provider.get(QUESTION, { signal: never })
      await leave(await provider.get(QUESTION, { signal: never }))
      clock.advance(10_000)
      assert.equal(dials[0]!.closed, 0, 'the first question is open')

      await leave(first)
      clock.advance(4999)
      assert.equal(dials[0]!.closed, 0)
      clock.advance(1)
      await turn()

      assert.deepEqual([dials[0]!.closed, peers.size, clock.waiting], [1, 0, 0])
    }
  })

  void test('is left when the question is given up before there is an answer', async () => {
    const { peers, dials, clock } = createPeers({ isSilent: true })
    const end = new AbortController()
    const answer = peers.provider({ peer: 'a', addresses: ADDRESSES })!.get(QUESTION, { signal: end.signal })

    end.abort(new Error('enough'))

    await assert.rejects(answer, /enough/)
    clock.advance(5000)
    dials[0]!.come()
    await turn()
    assert.deepEqual([dials[0]!.closed, peers.size, clock.waiting], [1, 0, 0])
  })

  void test('is not waited for beyond five seconds, and what comes late is closed', async () => {
    const { peers, dials, clock } = createPeers({ isSilent: true })
    const answer = peers.provider({ peer: 'a', addresses: ADDRESSES })!.get(QUESTION, { signal: never })

    clock.advance(5000)

    await assert.rejects(answer, /not reached in time/)
    assert.equal(dials[0]!.signal.aborted, true)
    dials[0]!.come()
    await turn()
    assert.deepEqual([dials[0]!.closed, peers.size, clock.waiting], [1, 0, 0])
  })

  void test('is dialled anew when its connection is gone', async () => {
    const { peers, dials } = createPeers()
    const provider = peers.provider({ peer: 'a', addresses: ADDRESSES })!
    await readAll(await asked(provider))
    dials[0]!.isOpen = false

    await asked(provider)

    assert.equal(dials.length, 2)
  })

  void test('is one of sixteen at most; one that is not asked makes room', async () => {
    const { peers, dials } = createPeers()
    const named = Array.from({ length: 18 }, (_, n) =>
      peers.provider({ peer: `p${n}`, addresses: ADDRESSES })!
    )
    const [first] = await Promise.all(named.slice(0, 16).map(asked))

    await assert.rejects(asked(named[16]!), { code: 'saturated' })
    await readAll(first!)
    await asked(named[16]!)

    assert.equal(peers.size, 16)
    await turn()
    assert.deepEqual(
      dials.map(({ closed }) => closed),
      [1, ...Array.from({ length: 16 }, () => 0)]
    )
    peers.close()
    await turn()
    assert.ok(dials.every(({ closed }) => closed === 1))
  })

  void test('cannot be asked where none of its addresses may be dialled', () => {
    const { peers } = createPeers()

    assert.equal(peers.provider({ peer: 'a', addresses: ['/dns4/intranet/tcp/80'] }), undefined)
    assert.equal(peers.provider({ peer: 'a', addresses: [] }), undefined)
  })
})

const never = new AbortController().signal

const asked = (provider: Pick<BlobProvider, 'get'>) => provider.get(QUESTION, { signal: never })

type Answer = Awaited<ReturnType<BlobProvider['get']>>

async function readAll({ body }: Answer): Promise<void> {
  for await (const _ of body) continue
}

async function giveUp({ body }: Answer): Promise<void> {
  for await (const _ of body) break
}

async function giveUpUnread({ body }: Answer): Promise<void> {
  await body[Symbol.asyncIterator]().return?.()
}

class Dial {
  readonly addresses: readonly string[]
  readonly signal: AbortSignal
  readonly reached = Promise.withResolvers<Reached>()
  isOpen = true
  closed = 0

  constructor(addresses: readonly string[], signal: AbortSignal) {
    this.addresses = addresses
    this.signal = signal
  }

  come(): void {
    this.reached.resolve({
      get: async () => ({ totalLength: 2, body: two() }),
      isOpen: () => this.isOpen,
      close: () => void this.closed++
    })
  }
}

async function* two(): AsyncGenerator<Uint8Array, void> {
  yield Uint8Array.of(1)
  yield Uint8Array.of(2)
}

/** A clock that stands still until it is told to go on. */
class StandingClock implements Clock {
  #nowMs = 0
  readonly #due = new Map<() => void, number>()

  nowMs(): number {
    return this.#nowMs
  }

  after(ms: number, run: () => void): () => void {
    const due = (): void => run()
    this.#due.set(due, this.#nowMs + ms)
    return () => void this.#due.delete(due)
  }

  get waiting(): number {
    return this.#due.size
  }

  advance(ms: number): void {
    this.#nowMs += ms
    for (const [run, atMs] of this.#due) {
      if (atMs > this.#nowMs) continue
      this.#due.delete(run)
      run()
    }
  }
}

function createPeers({ isSilent = false } = {}) {
  const clock = new StandingClock()
  const dials: Dial[] = []
  const peers = new NamedPeers({
    own: () => ['/ip4/127.0.0.1/tcp/4802'],
    clock,
    dial(addresses, signal) {
      const dial = new Dial(addresses, signal)
      dials.push(dial)
      if (!isSilent) dial.come()
      return dial.reached.promise
    }
  })
  return { peers, dials, clock }
}
