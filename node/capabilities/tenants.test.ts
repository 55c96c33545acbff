import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { OapError } from '../../protocols/index.ts'
import { SetupError } from '../setup-error.ts'
import { openLevel } from '../stores/level.ts'
import { DEFAULT_TENANT_LIMITS, MAX_APPS, MAX_TENANTS, Tenants } from './tenants.ts'

const NOW_S = 1000
const ID = '6e5a8a06-1111-4222-8333-944444444444'

test('keeps tenants and their limits from one opening to the next', async () => {
  const level = await openLevel('memory')
  const first = await Tenants.open(() => level)
  await first.add('paris', ID, NOW_S)
  await first.limit(ID, { burst: 5 })
  await first.limit(ID, { callsPerSecond: 7 }, 0x0201)

  const second = await Tenants.open(() => level)

  assert.deepEqual(second.find('paris'), {
    id: ID,
    name: 'paris',
    state: 'active',
    addedAt: NOW_S,
    limits: { burst: 5 },
    apps: { [0x0201]: { callsPerSecond: 7 } }
  })
  assert.deepEqual(second.find(ID), second.find('paris'))
})

test('limits of an app go before those of the tenant, and these before the defaults', async () => {
  const tenants = await Tenants.open(await memory(), {
    defaults: { callsPerSecond: 1, burst: 2, bytesPerSecond: 3 }
  })
  await tenants.add('paris', ID, NOW_S)

  const none = tenants.limitsOf(ID, 1)
  await tenants.limit(ID, { burst: 20 })
  await tenants.limit(ID, { bytesPerSecond: 300 }, 1)

  assert.deepEqual(none, { callsPerSecond: 1, burst: 2, bytesPerSecond: 3 })
  assert.deepEqual(tenants.limitsOf(ID, 1), { callsPerSecond: 1, burst: 20, bytesPerSecond: 300 })
  assert.deepEqual(tenants.limitsOf(ID, 2), { callsPerSecond: 1, burst: 20, bytesPerSecond: 3 })
  assert.equal(tenants.limitsOf(ID, 2), tenants.limitsOf(ID, 3))
  await tenants.limit(ID, undefined, 1)
  assert.deepEqual(tenants.limitsOf(ID, 1), tenants.limitsOf(ID, 2))
  await tenants.limit(ID, undefined)
  assert.deepEqual(tenants.limitsOf(ID, 1), none)
  assert.deepEqual(tenants.limitsOf('nobody', 1), none)
})

test('a hub gets its first tenant once, however often it starts, and also after that one was purged', async () => {
  const level = await memory()
  const first = await Tenants.open(level)
  const made = await first.begin('default', NOW_S)
  await first.remove(made!.id, { purge: true })

  const second = await Tenants.open(level)

  assert.equal(made?.name, 'default')
  assert.equal(await first.begin('default', NOW_S), undefined)
  assert.equal(await second.begin('default', NOW_S), undefined)
  assert.deepEqual(second.list(), [])
})

test('two tenants have neither a name nor an id in common', async () => {
  const tenants = await Tenants.open(await memory())
  await tenants.add('paris', ID, NOW_S)
  const { id } = await tenants.add('rome', undefined, NOW_S)

  await assert.rejects(tenants.add('paris', undefined, NOW_S), refusal('conflict', /of this name already/))
  await assert.rejects(tenants.add('other', ID, NOW_S), refusal('conflict', /is there already/))
  await tenants.remove(ID)
  await assert.rejects(tenants.add('paris', undefined, NOW_S), refusal('conflict', /of this name already/))
  await assert.rejects(tenants.add('rome', ID, NOW_S), refusal('conflict', id))
})

test('a removed tenant comes back with its limits, a purged one never', async () => {
  const tenants = await Tenants.open(await memory())
  await tenants.add('paris', ID, NOW_S)
  await tenants.limit(ID, { burst: 5 })
  await tenants.remove(ID)
  const wasActive = tenants.isActive(ID)

  const back = await tenants.add('paris', ID, NOW_S + 9)
  const isActive = tenants.isActive(ID)
  await tenants.remove('paris', { purge: true })

  assert.deepEqual([wasActive, isActive, back.limits, back.addedAt], [false, true, { burst: 5 }, NOW_S])
  assert.throws(() => tenants.find(ID), refusal('not_found', /tenant add/))
  assert.throws(() => tenants.find(''), refusal('not_found', /tenant add/))
  await assert.rejects(tenants.add('paris', ID, NOW_S), refusal('conflict', /was purged/))
  assert.equal((await tenants.add('paris', undefined, NOW_S)).state, 'active')
})

test('refuses names and ids that are none', async () => {
  const tenants = await Tenants.open(await memory())

  for (const name of ['', 'Paris', 'a b', '-a', 'a'.repeat(64), ID, 'é'])
    await assert.rejects(tenants.add(name, undefined, NOW_S), refusal('bad_request', /^name/))
  for (const id of ['', 'x', ID.toUpperCase(), '00000000-0000-0000-0000-000000000000'])
    await assert.rejects(tenants.add('paris', id, NOW_S), refusal('bad_request', /^id/))
})

test('refuses more tenants, and more apps of one, than it may hold', async () => {
  const tenants = await Tenants.open(await memory())
  for (let i = 0; i < MAX_TENANTS; i++) await tenants.add(`t${i}`, undefined, NOW_S)
  for (let app = 0; app < MAX_APPS; app++) await tenants.limit('t0', { burst: 1 }, app)

  await assert.rejects(tenants.add('more', undefined, NOW_S), refusal('conflict', /10000 tenants/))
  await assert.rejects(tenants.limit('t0', { burst: 1 }, MAX_APPS), refusal('conflict', /256 apps/))
  await tenants.limit('t0', { burst: 2 }, 0)
})

test('does not open over a damaged tenant, whichever byte it is', async () => {
  const level = await openLevel('memory')
  await (await Tenants.open(() => level)).add('paris', ID, NOW_S)
  const rows = level.sublevel<string, Uint8Array>('tenants', { valueEncoding: 'view' })
  const bytes = (await rows.get(ID))!

  await fc.assert(
    fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
      const damaged = Uint8Array.from(bytes)
      damaged[at]! ^= flip
      await rows.put(ID, damaged)
      await assert.rejects(
        Tenants.open(() => level),
        (error: unknown) => error instanceof SetupError && /6e5a8a06.*restore the store/.test(error.message)
      )
    })
  )
})

test('holds nothing that could not be written', async () => {
  const level = await openLevel('memory')
  const tenants = await Tenants.open(() => level)
  await tenants.add('paris', ID, NOW_S)
  await level.close()

  await assert.rejects(tenants.remove('paris'))

  assert.equal(tenants.isActive(ID), true)
  assert.equal(tenants.limitsOf(ID, 1).burst, DEFAULT_TENANT_LIMITS.burst)
})

const memory = async () => {
  const level = await openLevel('memory')
  return () => level
}

function refusal(code: string, message: RegExp | string) {
  return (error: unknown) => {
    assert.ok(error instanceof OapError, String(error))
    assert.equal(error.code, code)
    assert.match(error.message, new RegExp(message))
    return true
  }
}
