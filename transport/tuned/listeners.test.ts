import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLogger } from '../silent-logger.ts'
import { Listeners } from './listeners.ts'
import { FrugalStream } from './yamux-stream.ts'

const told = (listeners: Listeners, type: string): void => listeners.dispatch(new Event(type))

void test('calls the listeners of a type in their order, functions and objects, each once for it', () => {
  const listeners = new Listeners()
  const seen: string[] = []
  const first = (event: Event): void => void seen.push(`first ${event.type}`)
  listeners.add('a', first, undefined)
  listeners.add('a', { handleEvent: () => void seen.push('second') }, false)
  listeners.add('b', first, undefined)

  assert.equal(listeners.add('a', first, undefined), false)
  told(listeners, 'a')
  told(listeners, 'b')
  told(listeners, 'c')

  assert.deepEqual(seen, ['first a', 'second', 'first b'])
  assert.deepEqual([listeners.count('a'), listeners.count('c')], [2, 0])
})

void test('who listens once is told once, also when it makes the event come again', () => {
  const listeners = new Listeners()
  let seen = 0
  const again = (): void => {
    seen++
    told(listeners, 'a')
  }
  listeners.add('a', again, { once: true })

  told(listeners, 'a')

  assert.deepEqual([seen, listeners.count('a')], [1, 0])
})

void test('who is removed by another listener is not called, and who is added by one is called from the next event on', () => {
  const listeners = new Listeners()
  const seen: string[] = []
  const removed = (): void => void seen.push('removed')
  const late = (): void => void seen.push('late')
  const changes = (): void => {
    listeners.remove('a', removed)
    listeners.add('a', late, undefined)
  }
  listeners.add('a', changes, undefined)
  listeners.add('a', removed, undefined)

  told(listeners, 'a')
  assert.deepEqual(seen, [])
  told(listeners, 'a')
  assert.deepEqual(seen, ['late'])
})

void test('a signal takes its listener back, and one that was aborted before adds none', () => {
  const listeners = new Listeners()
  const stop = new AbortController()
  listeners.add('a', () => undefined, { signal: stop.signal })
  assert.equal(listeners.count('a'), 1)

  stop.abort()

  assert.equal(listeners.count('a'), 0)
  assert.equal(
    listeners.add('a', () => undefined, { signal: stop.signal }),
    false
  )
})

void test('an error of a listener is thrown after the turn, and the others are called', async t => {
  const listeners = new Listeners()
  const thrown: (() => void)[] = []
  t.mock.method(process, 'nextTick', (run: () => void) => void thrown.push(run))
  let seen = 0
  listeners.add('a', () => assert.fail('broke'), undefined)
  listeners.add('a', () => seen++, undefined)

  told(listeners, 'a')

  assert.equal(seen, 1)
  assert.throws(() => thrown[0]!(), /broke/)
})

void test('a stream keeps no listener at the platform, so that thousands of streams stay small', t => {
  const { mock } = t.mock.method(EventTarget.prototype, 'addEventListener')
  const stream = new FrugalStream({
    id: '1',
    streamId: 1,
    state: 2,
    direction: 'inbound',
    sendFrame: () => true,
    getRTT: () => 1,
    log: silentLogger.forComponent('test')
  })
  const seen: string[] = []
  stream.addEventListener('close', (event: Event) => void seen.push(event.type))
  assert.equal(stream.listenerCount('close'), 3)
  stream.abort(new Error('over'))
  assert.deepEqual(seen, ['close'])
  assert.equal(mock.callCount(), 0)
})
