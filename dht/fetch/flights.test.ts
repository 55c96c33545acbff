import assert from 'node:assert/strict'
import { test } from 'node:test'
import { settle } from '../manual-clock.fixture.ts'
import { Flights } from './flights.ts'

class FakeFetch {
  readonly #done = Promise.withResolvers<never>()
  readonly done = this.#done.promise
  aborted = 0

  abort(): void {
    this.aborted++
    this.land()
  }

  land(): void {
    this.#done.reject(new Error('over'))
  }
}

test('those who want the same share one fetch, and it ends when the last one has left', () => {
  const flights = new Flights<FakeFetch>()
  const fetch = new FakeFetch()
  fetch.done.catch(() => undefined)

  const first = flights.board('a', () => fetch)
  const second = flights.board('a', () => assert.fail('a second fetch'))

  assert.deepEqual([first.isShared, second.isShared], [false, true])
  first.leave()
  first.leave()
  assert.equal(fetch.aborted, 0)
  second.leave()
  assert.equal(fetch.aborted, 1)
  assert.equal(flights.size, 0)
})

test('a fetch that is over is not shared, and one that follows is not ended by it', async () => {
  const flights = new Flights<FakeFetch>()
  const old = new FakeFetch()
  const next = new FakeFetch()
  next.done.catch(() => undefined)
  const late = flights.board('a', () => old)

  old.land()
  await settle()
  const boarding = flights.board('a', () => next)
  late.leave()

  assert.equal(boarding.isShared, false)
  assert.equal(next.aborted, 0)
  assert.equal(flights.size, 1)
})

test('one that does not begin leaves nothing behind', () => {
  const flights = new Flights<FakeFetch>()

  assert.throws(() =>
    flights.board('a', () => {
      throw new Error('no')
    })
  )
  assert.equal(flights.size, 0)
})
