import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OapError } from '../../protocols/index.ts'
import { SurfaceLedger } from './surface-ledger.ts'
import type { RequestOver, SurfaceRequest } from './surface-ledger.ts'
import { TokenQuotas } from './token-quotas.ts'
import type { Charging, Payer, TenantRates } from './token-quotas.ts'

const APP = 0x0701
const MIB = 2 ** 20
const known: SurfaceRequest = { token: undefined, isKnown: true, bytes: 0 }
const stranger: SurfaceRequest = { token: undefined, isKnown: false, bytes: 0 }
const rated = (most: number): Payer => ({
  tenant: 't1',
  limits: { rates: [{ most, bucket: 'chain' }], streams: [] }
})

function given({ perSecond = 10, burst = 20, bytes = MIB, mostInFlight = 1000 } = {}) {
  const at = { now: 0, tenant: 't1' as string | undefined, rates: ratesOf(perSecond, burst, bytes) }
  const quotas = new TokenQuotas({ tenant: () => at.rates, mostInFlight })
  const ledger = new SurfaceLedger({ quotas, tenant: () => at.tenant, app: APP, now: () => at.now })
  const begun = (request: SurfaceRequest): RequestOver | string => {
    const told = ledger.begin(request)
    return told instanceof OapError ? told.code : told
  }
  /** How many of `count` are let through, all of which end at once. */
  const through = (count: number, request: SurfaceRequest): number => {
    let served = 0
    for (let n = 0; n < count; n++) {
      const over = begun(request)
      if (typeof over === 'string') continue
      served++
      over(0)
    }
    return served
  }
  return { at, quotas, ledger, begun, through }
}

const ratesOf = (perSecond: number, burst: number, bytes = MIB): TenantRates => ({
  calls: { perSecond, burst },
  bytes: { perSecond: bytes, burst: bytes }
})

test('requests of callers that are known share what their tenant may, and new limits hold at once', () => {
  const { at, begun, through } = given()

  assert.equal(through(50, known), 20)
  assert.equal(begun(known), 'quota_tenant')
  at.rates = ratesOf(1, 3)
  assert.equal(through(50, known), 3)
  at.now = 1000
  assert.equal(through(50, known), 1)
})

test('callers without a token take of the tenant, and never more than half of its rate', () => {
  const { at, begun, through } = given()

  assert.equal(through(100, stranger), 5)
  assert.equal(begun(stranger), 'quota_tenant')
  assert.equal(through(100, known), 15)
  at.now = 1000
  assert.equal(through(100, stranger), 5)
  assert.equal(through(100, known), 5)
})

test('a capability spends the same here and in calls, and only what it is given', () => {
  const { quotas, begun, through } = given({ perSecond: 100, burst: 100 })
  const token = rated(3)
  const call = (): Charging => ({ app: 0x0201, bytesIn: 10, onOver: undefined, spending: undefined })

  assert.equal(quotas.refusal(token, call(), false, 0), undefined)
  assert.equal(through(10, { ...known, token: rated(3) }), 2)
  assert.equal(begun({ ...known, token }), 'quota_capability')
  assert.equal(quotas.refusal(token, call(), false, 0)?.code, 'quota_capability')
  // What the capability may not do costs its tenant nothing.
  assert.equal(through(200, known), 98)
})

test('bodies and answers are paid for, answers afterwards', () => {
  const { at, begun, through } = given({ perSecond: 1000, burst: 1000, bytes: 1000 })

  const first = begun({ ...known, bytes: 400 })
  assert.ok(typeof first === 'function')
  assert.ok(typeof begun({ ...known, bytes: 600 }) === 'function')
  assert.equal(begun({ ...known, bytes: 1 }), 'quota_tenant')
  first(1000)
  at.now = 1000
  assert.equal(begun({ ...known, bytes: 1 }), 'quota_tenant')
  at.now = 2000
  assert.equal(through(1, { ...known, bytes: 1000 }), 1)
})

test('as many are under way as one tenant may have, and each is counted until it ends', () => {
  const { ledger, begun } = given({ mostInFlight: 2 })

  const [one, two] = [begun(known), begun(stranger)]
  assert.ok(typeof one === 'function' && typeof two === 'function')
  assert.equal(ledger.open, 2)
  assert.equal(begun(known), 'quota_tenant')
  one(0)
  two(0)
  assert.equal(ledger.open, 0)
  assert.ok(typeof begun(known) === 'function')
})

test('where the tenant is not there nothing is charged', () => {
  const { at, through } = given()
  at.tenant = undefined

  assert.equal(through(500, stranger), 500)
})
