import assert from 'node:assert/strict'
import test from 'node:test'
import { FLAG, Frame, ServerCall, encodeFrame } from '../../protocols/index.ts'
import type { VerifiedToken } from '../../protocols/index.ts'
import { PeerQuotas } from './peer-quotas.ts'
import type { PeerRates } from './peer-quotas.ts'
import { TokenQuotas } from './token-quotas.ts'

const RATE = { burst: 1000, perSecond: 1000 }
const PLENTY = { burst: 1e9, perSecond: 1e9 }
const known = (): boolean => false
const stranger = (): boolean => true

const RATES: PeerRates = {
  peerCalls: PLENTY,
  peerBytes: RATE,
  prefixCalls: PLENTY,
  strangerCalls: PLENTY,
  strangerBytes: RATE,
  peerInFlight: 100
}
const quotas = (): PeerQuotas => new PeerQuotas(RATES, 0)

const token = { tenant: 'acme', limits: { rates: [], streams: [], bytes: [] } } as unknown as VerifiedToken

function open(): ServerCall {
  const bytes = encodeFrame({ flags: FLAG.REQ | FLAG.START, app: 1, corr: 1 })
  return new ServerCall(new Frame(bytes, 0, bytes.length), 'peer', 0)
}

/** The time at which a stream that sends 100 bytes whenever it may has sent `bytes`. */
function timeFor(bytes: number, send: (bytes: number, now: number) => number): number {
  let now = 0
  for (let sent = 0; sent < bytes; sent += 100) now += send(100, now)
  return now
}

test('a stream runs at its peer’s rate', () => {
  const meter = quotas().meter('peer', 'one', known, 0)

  const ms = timeFor(10_000, (bytes, now) => meter.streamed(bytes, now))

  assert.ok(ms >= 8900 && ms <= 9100, `${ms} ms`)
})

for (const [who, isStranger] of [
  ['a peer', known],
  ['strangers', stranger]
] as const) {
  test(`streams of ${who} leave its calls their rate, and calls leave streams theirs`, () => {
    const meter = quotas().meter('peer', 'one', isStranger, 0)
    meter.streamed(1_000_000, 0)
    const call = meter.call(1000, 0)

    const other = quotas().meter('peer', 'one', isStranger, 0)
    other.received(1_000_000, 0)

    assert.equal(call, 0)
    assert.equal(other.streamed(1000, 0), 0)
  })

  test(`streams of ${who} that wait go on one after the other, in their order`, () => {
    const shared = quotas()
    const meters = Array.from({ length: 5 }, () => shared.meter('peer', 'one', isStranger, 0))

    const waits = meters.map(meter => meter.streamed(500, 0))

    assert.deepEqual(waits, [0, 0, 500, 1000, 1500])
  })
}

test('frames beside calls and streams delay the next call only', () => {
  const meter = quotas().meter('peer', 'one', known, 0)

  meter.received(2000, 0)

  assert.equal(meter.streamed(1000, 0), 0)
  assert.equal(meter.call(500, 0), 1500)
})

test('what was charged and not sent is given back, and never more than the burst is there', () => {
  const meter = quotas().meter('peer', 'one', known, 0)
  meter.streamed(1000, 0)
  meter.streamed(800, 0)

  meter.streamed(-800, 0)
  const wait = meter.streamed(100, 0)
  meter.streamed(-100_000, 0)

  assert.equal(wait, 100)
  assert.equal(meter.streamed(1100, 0), 100)
})

test('all strangers share one rate of streams, and one prefix holds up no other beyond its part of it', () => {
  const shared = new PeerQuotas(
    { ...RATES, prefixCalls: { burst: 10, perSecond: 10 }, strangerCalls: { burst: 100, perSecond: 100 } },
    0
  )
  const greedy = shared.meter('greedy', 'one', stranger, 0)
  const others = Array.from({ length: 30 }, (_, i) => shared.meter(`other ${i}`, `prefix ${i}`, stranger, 0))

  let least = Infinity
  for (let i = 0; i < 10_000; i++) least = Math.min(least, greedy.streamed(10, 0))

  assert.equal(least, 0)
  assert.ok(greedy.streamed(10, 0) > 100_000)
  assert.equal(others[0]!.streamed(50, 0), 0)
  assert.ok(
    others.slice(1).some(meter => meter.streamed(100, 0) > 0),
    'all share one'
  )
})

test('a greedy stranger’s calls do not stop another’s upload', () => {
  const shared = new PeerQuotas(RATES, 0)
  const greedy = shared.meter('greedy', 'one', stranger, 0)
  const other = shared.meter('other', 'two', stranger, 0)
  let moved = 0
  let next = 0

  for (let now = 0; now < 10_000; now++) {
    while (greedy.call(500, now) === 0);
    if (now < next) continue
    next = now + other.streamed(100, now)
    moved += 100
  }

  assert.ok(moved >= 10_000, `${moved} bytes`)
})

test('a tenant’s streams wait for its rate in their order, whichever of them spent it, and take nothing from its calls', () => {
  const byTenant = new TokenQuotas({ mostInFlight: 10, tenant: () => ({ calls: PLENTY, bytes: RATE }) })
  const [greedy, quiet] = [open(), open()]
  for (const call of [greedy, quiet]) assert.equal(byTenant.refusal(token, call, true, 0), undefined)

  const waits = [greedy, quiet, greedy].map(call => call.spending!.streamed(1000, 0))

  assert.deepEqual(waits, [0, 1000, 2000])
  assert.equal(byTenant.refusal(token, open(), true, 0), undefined)
})

test('a tenant’s unary answers are paid by its calls, whole frames of them', () => {
  const byTenant = new TokenQuotas({ mostInFlight: 10, tenant: () => ({ calls: PLENTY, bytes: RATE }) })
  const first = open()
  byTenant.refusal(token, first, false, 0)

  first.spending!.answered(2000)

  const next = open()
  assert.equal(first.spending!.streamed(1000, 0), 0)
  assert.equal(byTenant.refusal(token, next, false, 0)?.retryAfterMs, 1000 + first.bytesIn + next.bytesIn)
})
