import assert from 'node:assert/strict'
import test from 'node:test'
import { PeerQuotas } from './peer-quotas.ts'

const RATES = {
  peerCalls: { burst: 10, perSecond: 10 },
  peerBytes: { burst: 1000, perSecond: 1000 },
  prefixCalls: { burst: 3, perSecond: 1 },
  strangerCalls: { burst: 5, perSecond: 1 },
  strangerBytes: { burst: 10_000, perSecond: 1000 },
  peerInFlight: 3
}
const stranger = (): boolean => true
const known = (): boolean => false

const callsUntilRefused = (call: () => number): number => {
  let n = 0
  while (call() === 0) n++
  return n
}

test('two connections of one peer share its calls', () => {
  const quotas = new PeerQuotas(RATES, 0)
  const one = quotas.meter('peer', '192.0.2.0/24', known, 0)
  const two = quotas.meter('peer', '198.51.100.0/24', known, 0)

  callsUntilRefused(() => one.call(1, 0))

  assert.equal(two.call(1, 0), 100)
})

test('a known peer that spends its quota takes nothing from another', () => {
  const quotas = new PeerQuotas(RATES, 0)
  const greedy = quotas.meter('greedy', '192.0.2.0/24', known, 0)
  const quiet = quotas.meter('quiet', '192.0.2.0/24', known, 0)

  callsUntilRefused(() => greedy.call(1, 0))

  assert.equal(
    callsUntilRefused(() => quiet.call(1, 0)),
    10
  )
})

test('strangers of one prefix share, and all strangers share too', () => {
  const quotas = new PeerQuotas(RATES, 0)
  const meter = (peer: string, prefix: string) => quotas.meter(peer, prefix, stranger, 0)

  assert.equal(
    callsUntilRefused(() => meter('a', 'one').call(1, 0)),
    3
  )
  assert.equal(
    callsUntilRefused(() => meter('b', 'one').call(1, 0)),
    0
  )
  assert.equal(
    callsUntilRefused(() => meter('c', 'two').call(1, 0)),
    2
  )
})

test('a refused call costs no bucket anything', () => {
  const quotas = new PeerQuotas(RATES, 0)
  const first = quotas.meter('a', 'one', stranger, 0)
  callsUntilRefused(() => first.call(1, 0))
  for (let i = 0; i < 100; i++) first.call(1, 0)

  assert.equal(
    callsUntilRefused(() => quotas.meter('b', 'two', stranger, 0).call(1, 0)),
    2
  )
})

test('bytes that exceeded the rate delay the next call', () => {
  const quotas = new PeerQuotas(RATES, 0)
  const meter = quotas.meter('peer', 'one', known, 0)

  assert.equal(meter.call(500, 0), 0)
  meter.received(3000, 0)

  assert.equal(meter.call(100, 0), 2600)
  assert.equal(meter.call(100, 2600), 0)
})

test('a stranger that becomes known is charged as its peer from then on', () => {
  const quotas = new PeerQuotas(RATES, 0)
  let isStranger = true
  const meter = quotas.meter('peer', 'one', () => isStranger, 0)
  callsUntilRefused(() => meter.call(1, 0))

  isStranger = false

  assert.equal(
    callsUntilRefused(() => meter.call(1, 0)),
    10
  )
})

test('all connections of a peer share the calls that it may have open', () => {
  const quotas = new PeerQuotas(RATES, 0)
  const one = quotas.meter('peer', 'one', known, 0)
  const two = quotas.meter('peer', 'two', known, 0)

  const began = [one.begin(), two.begin(), one.begin(), two.begin()]
  one.end()

  assert.deepEqual(began, [true, true, true, false])
  assert.equal(two.begin(), true)
  assert.equal(quotas.meter('other', 'one', known, 0).begin(), true)
})

test('peers that come and go leave no more than the table holds', () => {
  const quotas = new PeerQuotas(RATES, 0)

  for (let i = 0; i < 200_000; i++) quotas.meter(`peer ${i}`, `prefix ${i}`, known, i).call(1, i)

  assert.ok(quotas.size <= 2 * 16_384)
})
