import assert from 'node:assert/strict'
import test from 'node:test'
import { FLAG, Frame, ServerCall, encodeFrame } from '../../protocols/index.ts'
import type { VerifiedToken } from '../../protocols/index.ts'
import { PeerQuotas } from './peer-quotas.ts'
import type { PeerMeter } from './peer-quotas.ts'
import { TokenQuotas } from './token-quotas.ts'

const RATE = { burst: 1000, perSecond: 1000 }
const PLENTY = { burst: 1e9, perSecond: 1e9 }
const known = (): boolean => false
const stranger = (): boolean => true

const quotas = (): PeerQuotas =>
  new PeerQuotas(
    {
      peerCalls: PLENTY,
      peerBytes: RATE,
      prefixCalls: PLENTY,
      strangerCalls: PLENTY,
      strangerBytes: RATE,
      peerInFlight: 100
    },
    0
  )

/** The time at which a stream that sends 100 bytes whenever it may has sent `bytes`. */
function timeFor(bytes: number, send: (bytes: number, now: number) => number): number {
  let now = 0
  for (let sent = 0; sent < bytes; sent += 100) now += send(100, now)
  return now
}

for (const way of ['received', 'sent'] as const)
  test(`a stream that is ${way} runs at its peer’s rate, and leaves a part of the burst for new calls`, () => {
    const meter = quotas().meter('peer', 'one', known, 0)

    const ms = timeFor(10_000, (bytes, now) => meter[way](bytes, now))

    assert.ok(ms >= 9000 && ms <= 9300, `${ms} ms`)
    assert.equal(meter.call(250, ms), 0)
  })

test('answers do not spend what a peer may send', () => {
  const meter = quotas().meter('peer', 'one', known, 0)

  meter.sent(1_000_000, 0)

  assert.equal(meter.received(750, 0), 0)
})

test('all connections of a peer, and all strangers, share one rate each way', () => {
  const shared = quotas()
  const wait = (first: PeerMeter, second: PeerMeter, way: 'received' | 'sent'): number => {
    first[way](2000, 0)
    return second[way](0, 0)
  }
  const peer = (prefix: string) => shared.meter('peer', prefix, known, 0)
  const strange = (name: string) => shared.meter(name, name, stranger, 0)

  for (const way of ['received', 'sent'] as const) {
    assert.equal(wait(peer('one'), peer('two'), way), 1250)
    assert.equal(wait(strange('a'), strange('b'), way), 1250)
  }
})

test('a tenant’s running calls wait for its rate, whichever of them spent it', () => {
  const byTenant = new TokenQuotas({ mostInFlight: 10, tenant: () => ({ calls: PLENTY, bytes: RATE }) })
  const token = { tenant: 'acme', limits: { rates: [], streams: [], bytes: [] } } as unknown as VerifiedToken
  const open = (): ServerCall => {
    const bytes = encodeFrame({ flags: FLAG.REQ | FLAG.START, app: 1, corr: 1 })
    const call = new ServerCall(new Frame(bytes, 0, bytes.length), 'peer', 0)
    assert.equal(byTenant.refusal(token, call, true, 0), undefined)
    return call
  }
  const [greedy, quiet] = [open(), open()]

  greedy.spending!.spend(2000)

  const wait = quiet.spending!.wait(0)
  assert.equal(wait, 1250 + 2 * greedy.bytesIn)
  assert.equal(quiet.spending!.wait(wait), 0)
})
