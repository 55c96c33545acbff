import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { OapError, capabilitiesService } from '../../protocols/index.ts'
import type { ServerCall, Spending } from '../../protocols/index.ts'
import { Connection, NONE, TENANT, bytesOf, guarding, headOf, minted, plenty } from './call-guard.fixture.ts'
import { GrantQuotas } from './grant-quotas.ts'
import type { PayingHub } from './grant-quotas.ts'
import { Grant } from './grant.ts'

const PEER_HUB = `h1${'b'.repeat(52)}`
const paying = (calls = plenty, streams = 1): PayingHub => ({
  hub: PEER_HUB,
  rates: { calls, bytes: plenty, streams }
})

describe('calls under a token that was given out for a right of another hub', () => {
  test('spend of the treaty with that hub, whatever token it is', async () => {
    const payer = paying({ burst: 2, perSecond: 1 })
    const { guard } = guarding({ payerOf: () => payer })
    const call = (capId: string) => guard(headOf(bytesOf(minted([], undefined, capId))))

    const answers = [await call('01'.repeat(16)), await call('02'.repeat(16)), await call('03'.repeat(16))]

    assert.deepEqual(
      answers.map(refused => refused && [refused.code, refused.reason]),
      [undefined, undefined, ['quota_capability', 'calls']]
    )
  })

  test('and of no other hub, and not where there is none', async () => {
    const { guard } = guarding({ payerOf: () => undefined })

    for (let n = 0; n < 5; n++) assert.equal(await guard(headOf(bytesOf(minted()))), undefined)
  })

  test('spend of their tenant and capability as well', async () => {
    const { guard } = guarding({ payerOf: () => paying() })
    const token = bytesOf(minted([], TENANT))

    for (let n = 0; n < 5; n++) assert.equal(await guard(headOf(token)), undefined)

    assert.equal((await guard(headOf(token)))?.code, 'quota_tenant')
  })

  test('end for both when they end, and wait for the slower of both', () => {
    const quotas = new GrantQuotas({ mostInFlight: 10 })
    const ended: string[] = []
    const spent: number[] = []
    const its: Spending = {
      spend: bytes => {
        spent.push(bytes)
        return bytes < 10
      },
      answered: bytes => void spent.push(bytes),
      streamed: () => 500
    }
    const begin = (): ServerCall =>
      ({ bytesIn: 1, spending: its, onOver: () => void ended.push('its') }) as unknown as ServerCall
    const first = begin()
    assert.equal(quotas.besides(paying(), first, true, 0), undefined)
    assert.equal(quotas.besides(paying(), begin(), true, 0)?.reason, 'streams')

    assert.equal(first.spending?.spend(5), true)
    assert.equal(first.spending?.spend(10), false)
    first.spending?.answered(7)
    assert.equal(first.spending?.streamed(1, 0), 500)
    first.onOver?.()

    assert.deepEqual([spent, ended], [[5, 10, 7], ['its']])
    assert.equal(quotas.besides(paying(), begin(), true, 0), undefined)
  })
})

test('what a linked hub says of its revocations is taken, however much of its treaty is spent', async () => {
  // Where every verb is open to all, too: these need a link.
  const { guard, grants } = guarding({ openVerbs: { has: () => true } })
  const connection = new Connection()
  const none = { burst: 1, perSecond: 1e-9 }
  const grant = new Grant({
    hub: PEER_HUB,
    verbs: ['cap:exchange'],
    shares: [],
    rates: { calls: none, bytes: plenty, streams: 1 },
    expires: undefined
  })
  const head = (op: 'revoked' | 'exchange') => {
    const asked = headOf(NONE, { connection })
    const row = capabilitiesService.operations[op]
    return { ...asked, served: { ...asked.served, row, name: op } }
  }
  assert.equal((await guard(head('revoked')))?.code, 'cap_missing')
  grants.set(head('revoked').connection, grant)

  assert.equal(await guard(head('exchange')), undefined)
  const refused = await guard(head('exchange'))
  assert.ok(refused instanceof OapError && refused.code === 'quota_capability')
  for (let n = 0; n < 10; n++) assert.equal(await guard(head('revoked')), undefined)
})
