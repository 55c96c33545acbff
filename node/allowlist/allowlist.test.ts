import assert from 'node:assert/strict'
import test from 'node:test'
import type { OapError } from '../../protocols/index.ts'
import type { AuditEvent } from '../audit/index.ts'
import { openLevel } from '../stores/level.ts'
import { Allowlist, PEER_ROWS } from './allowlist.ts'
import type { AllowlistChange, AllowlistOptions, ConfiguredHub } from './allowlist.ts'
import { CLINIC, NOW_S, SELF, TENANT, UNIVERSITY, treatyOn } from './allowlist.fixture.ts'
import { FIRST_TREATY } from './treaty.ts'

const LOCAL = { actor: 'local' }
const entry = (changed: Partial<ConfiguredHub> = {}): ConfiguredHub => ({
  hub: CLINIC,
  addresses: ['/dns4/clinic.example.org/tcp/4801'],
  treaty: FIRST_TREATY,
  note: 'the clinic',
  ...changed
})

/** An allowlist over a store that can be opened again, with what it told and recorded. */
async function opened(options: Partial<AllowlistOptions> = {}) {
  const level = await openLevel('memory')
  const told: AllowlistChange[] = []
  const recorded: AuditEvent[] = []
  const damaged: string[] = []
  const open = async (more: Partial<AllowlistOptions> = {}) => {
    const allowlist = await Allowlist.open(() => level, {
      self: SELF,
      configured: [],
      record: async event => void recorded.push(event),
      isTenant: id => id === TENANT,
      seconds: () => NOW_S,
      onDamaged: hub => damaged.push(hub),
      ...options,
      ...more
    })
    allowlist.onChange(change => told.push(change))
    return allowlist
  }
  return { level, open, allowlist: await open(), told, recorded, damaged }
}

const refused = async (change: Promise<unknown>, code: string, message: RegExp): Promise<void> => {
  await assert.rejects(change, (error: OapError) => {
    assert.equal(error.code, code)
    assert.match(error.message, message)
    return true
  })
}

test('nobody is allowed at first', async () => {
  const { allowlist } = await opened()

  assert.deepEqual([allowlist.list(), allowlist.size, allowlist.get(CLINIC)], [[], 0, undefined])
})

test('a hub that is added is there after the store was opened again, and told and recorded as added', async () => {
  const { allowlist, open, told, recorded } = await opened()

  const added = await allowlist.add(entry(), { actor: 'local', corrId: '00000000000000aa' })

  assert.deepEqual(added, { ...entry(), source: 'store', changedAt: NOW_S })
  assert.deepEqual((await open()).list(), [added])
  assert.deepEqual(told, [{ hub: CLINIC, change: 'add' }])
  const [{ content }] = recorded as [AuditEvent]
  const { change, hub, treaty_sha256: digest } = content.data as Record<string, string>
  assert.deepEqual([content.type, content.actor, content.subject], ['peer', 'local', `hub:${CLINIC}`])
  assert.deepEqual([content.decision, content.corr_id], ['allow', '00000000000000aa'])
  assert.deepEqual([change, hub, digest?.length], ['add', CLINIC, 64])
})

test('an edit keeps what it does not name, and holds for those who ask next', async () => {
  const { allowlist, open, told, recorded } = await opened()
  await allowlist.add(entry(), LOCAL)

  await allowlist.edit(CLINIC, { treaty: treatyOn(TENANT) }, LOCAL)
  await allowlist.edit(CLINIC, { addresses: [] }, LOCAL)

  const { addresses, note, treaty } = (await open()).get(CLINIC)!
  assert.deepEqual([addresses, note, treaty], [[], 'the clinic', treatyOn(TENANT)])
  assert.deepEqual(
    told.map(({ change }) => change),
    ['add', 'edit', 'edit']
  )
  const [first, second, third] = recorded.map(({ content }) => content.data['treaty_sha256'])
  assert.ok(first !== second && second === third)
})

test('a hub that is removed is gone for good, and told and recorded', async () => {
  const { allowlist, open, told, recorded } = await opened()
  await allowlist.add(entry(), LOCAL)

  assert.equal((await allowlist.remove(CLINIC, LOCAL)).note, 'the clinic')

  assert.deepEqual([allowlist.get(CLINIC), (await open()).size], [undefined, 0])
  assert.deepEqual(told.at(-1), { hub: CLINIC, change: 'remove' })
  assert.deepEqual(recorded.at(-1)?.content.data['change'], 'remove')
})

test('what makes no sense is refused with its member, and nothing of it is applied', async () => {
  const { allowlist, told, recorded } = await opened()
  const add = (changed: Partial<ConfiguredHub>) => allowlist.add(entry(changed), LOCAL)

  await refused(add({ hub: 'h1nothing' }), 'bad_request', /^hub: not a hub id/)
  await refused(add({ hub: SELF }), 'bad_request', /^hub: is this hub itself/)
  await refused(add({ addresses: ['clinic.example.org:4801'] }), 'bad_request', /^address: not a multiaddr/)
  await refused(
    add({ addresses: Array(17).fill('/ip4/192.0.2.1/tcp/1') as string[] }),
    'bad_request',
    /at most 16/
  )
  await refused(add({ note: 'two\nlines' }), 'bad_request', /^note: one line/)
  await refused(add({ note: 'é'.repeat(129) }), 'bad_request', /^note: one line of at most 256 bytes/)
  await refused(
    add({ treaty: treatyOn('99999999-2222-4333-8444-555555555555') }),
    'bad_request',
    /^treaty: rows\[0\]\.tenant: this hub has no tenant 99999999/
  )
  await refused(
    allowlist.edit(CLINIC, { note: 'x' }, LOCAL),
    'not_found',
    /is not on the allowlist; see peer list/
  )
  await refused(allowlist.remove('clinic', LOCAL), 'bad_request', /^hub: not a hub id/)
  assert.deepEqual([allowlist.size, told, recorded], [0, [], []])
})

test('a hub is on the list once', async () => {
  const { allowlist } = await opened()
  await allowlist.add(entry(), LOCAL)

  await refused(
    allowlist.add(entry({ note: 'again' }), LOCAL),
    'conflict',
    /already; change it with peer edit/
  )

  assert.equal(allowlist.get(CLINIC)?.note, 'the clinic')
})

test('an edit that is refused leaves the entry as it was', async () => {
  const { allowlist, open } = await opened()
  const before = await allowlist.add(entry(), LOCAL)

  await refused(allowlist.edit(CLINIC, { addresses: ['nowhere'] }, LOCAL), 'bad_request', /multiaddr/)

  assert.deepEqual([allowlist.get(CLINIC), (await open()).get(CLINIC)], [before, before])
})

test('what is not about its treaty can be changed though a tenant of that is gone', async () => {
  const tenants = new Set([TENANT])
  const { allowlist } = await opened({ isTenant: id => tenants.has(id) })
  await allowlist.add(entry({ treaty: treatyOn(TENANT) }), LOCAL)
  tenants.delete(TENANT)

  assert.equal((await allowlist.edit(CLINIC, { note: 'has moved' }, LOCAL)).note, 'has moved')
  await refused(allowlist.edit(CLINIC, { treaty: treatyOn(TENANT) }, LOCAL), 'bad_request', /has no tenant/)
  assert.match(allowlist.orphans()[0]!.problem, /^rows\[0\]\.tenant/)
})

test('an entry of the configuration wins over a stored one, and only the configuration changes it', async () => {
  const { allowlist: before, open, recorded } = await opened()
  await before.add(entry(), LOCAL)

  const allowlist = await open({ configured: [entry({ note: 'by hand', addresses: [] })] })

  assert.deepEqual(
    allowlist.list().map(({ note, source }) => [note, source]),
    [['by hand', 'config']]
  )
  await refused(
    allowlist.add(entry(), LOCAL),
    'conflict',
    /stands in federation\.peers of the configuration already/
  )
  await refused(
    allowlist.edit(CLINIC, { note: 'x' }, LOCAL),
    'conflict',
    /in the configuration, which wins; change it in federation\.peers/
  )
  await refused(allowlist.remove(CLINIC, LOCAL), 'conflict', /which wins/)
  assert.equal(recorded.length, 1)
  assert.deepEqual([allowlist.hidden(), before.hidden()], [[CLINIC], []])
  assert.equal((await open()).get(CLINIC)?.note, 'the clinic')
})

test('the list is in the order of hub ids, with each hub once', async () => {
  const { allowlist } = await opened({ configured: [entry({ hub: UNIVERSITY })] })
  await allowlist.add(entry(), LOCAL)

  const hubs = allowlist.list().map(({ hub }) => hub)
  assert.deepEqual(hubs, [CLINIC, UNIVERSITY].sort())
})

test('a treaty that comes to its end is told once, and again when it was renewed and ended once more', async () => {
  let now = NOW_S
  const { allowlist, told } = await opened({ seconds: () => now })
  await allowlist.add(entry({ treaty: { ...FIRST_TREATY, expires: NOW_S + 10 } }), LOCAL)

  assert.deepEqual(allowlist.expire(), [])
  assert.equal(allowlist.isOver(allowlist.get(CLINIC)!), false)
  now += 10
  assert.deepEqual([allowlist.expire(), allowlist.expire()], [[CLINIC], []])
  assert.equal(allowlist.isOver(allowlist.get(CLINIC)!), true)
  assert.deepEqual(told.at(-1), { hub: CLINIC, change: 'expire' })

  await allowlist.edit(CLINIC, { treaty: { ...FIRST_TREATY, expires: now + 10 } }, LOCAL)
  assert.equal(allowlist.isOver(allowlist.get(CLINIC)!), false)
  now += 10
  assert.deepEqual(allowlist.expire(), [CLINIC])
})

test('a document is judged by this hub’s clock and tenants', async () => {
  const { allowlist } = await opened()
  const problems = (document: unknown) => {
    const read = allowlist.judge(document)
    return 'problems' in read ? read.problems : []
  }

  assert.deepEqual(problems({ verbs: ['echo:call'] }), [])
  assert.match(problems({ expires: NOW_S }).join(), /^expires: .* is past$/)
  assert.deepEqual(problems({ verbs: ['echo:cal', 'vest:read'] }), ['verbs[0]: there is no verb echo:cal'])
  assert.match(
    problems(treatyOn('99999999-2222-4333-8444-555555555555')).join(),
    /^rows\[0\]\.tenant: this hub has no/
  )
})

test('a damaged entry allows nobody, is told of, and does not keep the others from being read', async () => {
  const { level, open, allowlist, damaged } = await opened()
  await allowlist.add(entry(), LOCAL)
  await allowlist.add(entry({ hub: UNIVERSITY }), LOCAL)
  const rows = level.sublevel<string, Uint8Array>(PEER_ROWS, { valueEncoding: 'view' })
  const bytes = (await rows.get(CLINIC))!
  bytes[bytes.length - 3]! ^= 1
  await rows.put(CLINIC, bytes)

  const again = await open()

  assert.deepEqual([again.list().map(({ hub }) => hub), damaged], [[UNIVERSITY], [CLINIC]])
  await again.add(entry(), LOCAL)
  assert.equal((await open()).size, 2)
})

test('nothing changes where the store ends with the process', async () => {
  const { allowlist } = await opened({ isPassing: true })

  await refused(allowlist.add(entry(), LOCAL), 'conflict', /--ephemeral/)
})

test('what is durable holds although it could not be recorded, and the one who asked is told', async () => {
  const { allowlist, told } = await opened({ record: () => Promise.reject(new Error('the log failed')) })

  await assert.rejects(allowlist.add(entry(), LOCAL), /the log failed/)

  assert.deepEqual([allowlist.size, told.length], [1, 1])
})
