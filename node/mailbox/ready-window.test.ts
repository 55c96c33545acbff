import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { StoredMessage } from '../stores/mailbox/types.ts'
import { comesBefore, spotBefore } from './place.ts'
import type { Spot } from './place.ts'
import { ReadyWindow } from './ready-window.ts'

const NONE = new Uint8Array(0)

const message = (n: number, priority = 4): StoredMessage => ({
  tenant: 't',
  topic: 'a',
  priority,
  id: `0${n.toString().padStart(25, '0')}`,
  meta: NONE,
  body: NONE,
  attempts: 0,
  history: NONE,
  notBeforeMs: undefined,
  expiresAtMs: undefined,
  bytes: 100
})

const never = (): boolean => false

test('the spot before one is before it, and behind every other that is', () => {
  assert.deepEqual(spotBefore({ priority: 4, id: '01000' }), { priority: 4, id: '00ZZZ' })
  assert.deepEqual(spotBefore({ priority: 4, id: '0000A' }), { priority: 4, id: '00009' })
})

test('holds no more than its bounds, and what falls out is read again', () => {
  const window = new ReadyWindow({ messages: 2, bytes: 1000 })
  window.beginRead()
  window.endRead([], never)
  for (const n of [1, 2, 3]) window.add(message(n))

  assert.equal(window.length, 2)
  assert.equal(window.isWhole, false)
  window.take(2, 1000)
  const { after } = window.beginRead()
  assert.equal(after!.id, message(2).id)
})

test('gives one message at least, whatever its bytes', () => {
  const window = new ReadyWindow()
  window.beginRead()
  window.endRead([message(1), message(2)], never)

  assert.equal(window.take(2, 1).length, 1)
  assert.equal(window.take(2, 250).length, 1)
})

/** The store and the leases as the window may believe them. */
class Model {
  readonly stored = new Map<string, StoredMessage>()
  readonly leased = new Set<string>()
  readonly window = new ReadyWindow({ messages: 6, bytes: 1000 })
  reading: StoredMessage[] | undefined
  next = 1

  get ready(): StoredMessage[] {
    return [...this.stored.values()]
      .filter(({ id }) => !this.leased.has(id))
      .sort((a, b) => (comesBefore(a, b) ? -1 : 1))
  }

  begin(limit: number): void {
    if (this.reading !== undefined || this.window.isWhole) return
    const { after } = this.window.beginRead()
    const isBehind = (spot: Spot): boolean => after === undefined || comesBefore(after, spot)
    this.reading = [...this.stored.values()]
      .filter(isBehind)
      .sort((a, b) => (comesBefore(a, b) ? -1 : 1))
      .slice(0, limit)
  }

  end(): void {
    if (this.reading === undefined) return
    this.window.endRead(this.reading, id => this.leased.has(id))
    this.reading = undefined
  }

  /** What is given is always what stands foremost of all that is ready. */
  take(most: number): void {
    const expected = this.ready
    if (!this.window.isWhole && this.window.length < most) return
    const taken = this.window.take(most, 10_000)
    assert.deepEqual(
      taken.map(({ id }) => id),
      expected.slice(0, taken.length).map(({ id }) => id)
    )
    if (this.window.isWhole) assert.equal(taken.length, Math.min(most, expected.length))
    for (const { id } of taken) this.leased.add(id)
  }

  send(priority: number): void {
    const sent = message(this.next++, priority)
    this.stored.set(sent.id, sent)
    this.window.add(sent)
  }

  /** Ends the n-th lease: the message is gone, or ready again. */
  settle(n: number, how: 'ack' | 'return' | 'release'): void {
    const ids = [...this.leased]
    const id = ids[n % ids.length]
    if (id === undefined) return
    const one = this.stored.get(id)!
    this.leased.delete(id)
    if (how === 'return') this.window.expose(one)
    else if (how === 'release') this.window.add(one)
    else {
      this.stored.delete(id)
      this.window.remove(one)
    }
  }

  remove(n: number): void {
    const one = this.ready[n % Math.max(1, this.ready.length)]
    if (one === undefined) return
    this.stored.delete(one.id)
    this.window.remove(one)
  }
}

type Step = (model: Model) => void

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.nat(9).map(
    (n): Step =>
      model =>
        model.send(n < 6 ? 4 : n)
  ),
  fc.integer({ min: 1, max: 8 }).map(
    (n): Step =>
      model =>
        model.begin(n)
  ),
  fc.constant<Step>(model => model.end()),
  fc.integer({ min: 1, max: 4 }).map(
    (n): Step =>
      model =>
        model.take(n)
  ),
  fc.tuple(fc.nat(50), fc.constantFrom('ack' as const, 'return' as const, 'release' as const)).map(
    ([n, how]): Step =>
      model =>
        model.settle(n, how)
  ),
  fc.nat(50).map(
    (n): Step =>
      model =>
        model.remove(n)
  ),
  fc.constant<Step>(model => model.window.clear())
)

test('whatever comes in between, what it gives is what stands foremost, once', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), steps => {
      const model = new Model()
      for (const run of steps) run(model)
      // Left alone, it gets to the end.
      for (let rounds = 0; !model.window.isWhole || model.window.length > 0; rounds++) {
        assert.ok(rounds < 1000, 'it never ends')
        model.end()
        model.begin(5)
        model.end()
        model.take(Math.max(1, model.window.length))
      }
      assert.deepEqual(model.ready, [])
    }),
    { numRuns: 2000 }
  )
})

test('tells where the first message of a priority is, and from where on the store knows more', () => {
  const window = new ReadyWindow()
  const untouched = window.first(4)
  window.beginRead()
  window.endRead([message(1, 9), message(2, 4), message(3, 4)], never)
  window.take(1, 1000)

  const edge = { priority: 4, id: message(3).id }
  assert.deepEqual(untouched, { is: 'behind', after: undefined })
  assert.deepEqual(window.first(9), { is: 'nowhere' })
  assert.deepEqual(window.first(4), { is: 'here', id: message(2).id })
  assert.deepEqual(window.first(0), { is: 'behind', after: undefined })
  window.take(2, 1000)
  assert.deepEqual(window.first(4), { is: 'behind', after: edge })
  window.beginRead()
  window.endRead([], never)
  assert.deepEqual(window.first(4), { is: 'nowhere' })
  assert.deepEqual(window.first(0), { is: 'nowhere' })
  window.expose(message(1, 9))
  assert.equal(window.first(9).is, 'behind')
})
