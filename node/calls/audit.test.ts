import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { OapError, auditService } from '../../protocols/index.ts'
import { connect } from '../../sdk/index.ts'
import { AUDIT } from './audit-routes.ts'
import { ADMIN, WRITE, httpNode } from './http-node.fixture.ts'
import type { Told } from './http-node.fixture.ts'
import { NO_PIECES } from './route.ts'
import type { CallRoute } from './route.ts'

const BY = { actor: 'local' } as const
const EVENTS = '/audit/v1/events.ndjson'
const hub = await httpNode({ after: run => after(run) })
for (let n = 0; n < 10; n++) await hub.node.capabilities().addTenant({ name: `tenant-${n}` }, BY)

const entriesIn = ({ bytes }: Pick<Told, 'bytes'>): { seq: number; type: string }[] =>
  bytes
    .toString()
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line))
const seqs = (told: Told): number[] => entriesIn(told).map(({ seq }) => seq)
const read = (query = '', token: string | undefined = ADMIN) => hub.ask('GET', `${EVENTS}${query}`, { token })

test('the newest entries come oldest first, and those after one that is known', async () => {
  const all = await read()
  const [size] = [entriesIn(all).length]
  const newest = await read('?limit=3')
  const later = await read('?after=1&limit=2')
  const none = await read('?after=100000')

  assert.equal(all.headers.get('content-type'), 'application/x-ndjson')
  assert.deepEqual(
    seqs(all),
    Array.from({ length: size }, (_, n) => n)
  )
  assert.deepEqual(seqs(newest), [size - 3, size - 2, size - 1])
  assert.deepEqual(seqs(later), [2, 3])
  assert.deepEqual([none.status, none.bytes.length], [200, 0])
})

test('lines are the bytes that the log has', async () => {
  await using oap = await connect(hub.node.status().addresses[0]!, {
    cap: await hub.mint('audit:read', { bearer: true })
  })
  const { body } = await oap.client(auditService).entries({ from: 0, to: 9 })
  const pieces: Uint8Array[] = []
  for await (const piece of body) pieces.push(piece)

  const { bytes } = await read('?after=0&limit=8')

  const all = Buffer.concat(pieces)
  assert.deepEqual(bytes, all.subarray(all.indexOf('\n') + 1))
})

test('a reader that follows hears that it may before anything comes', async () => {
  const leaving = new AbortController()
  const late = AbortSignal.timeout(20_000)
  const answer = await fetch(`${hub.url}${EVENTS}?follow=1&after=100000`, {
    headers: { authorization: `Bearer ${ADMIN}` },
    signal: AbortSignal.any([leaving.signal, late])
  })

  assert.equal(answer.status, 200)
  leaving.abort()
})

test('a reader that follows gets what comes', async () => {
  const answer = await fetch(`${hub.url}${EVENTS}?follow=1&limit=1`, {
    headers: { authorization: `Bearer ${ADMIN}` }
  })
  const reader = answer.body!.getReader()
  const first = Buffer.from((await reader.read()).value!)

  await hub.node.capabilities().addTenant({ name: 'followed' }, BY)
  const next = Buffer.from((await reader.read()).value!)
  await reader.cancel()

  const [known] = entriesIn({ bytes: first })
  const [entry] = entriesIn({ bytes: next })
  assert.deepEqual([entry!.type, entry!.seq], ['tenant', known!.seq + 1])
})

test('only who may read the log gets it, by role or by capability', async t => {
  const open = await httpNode(t, { 'gateway.audit_public': true })
  const token = await hub.mint('audit:read')

  const statuses = [
    await read('', token),
    await read('', WRITE),
    await read('', await hub.mint('mailbox:send')),
    await hub.ask('GET', EVENTS),
    await open.ask('GET', EVENTS)
  ].map(({ status }) => status)

  assert.deepEqual(statuses, [200, 403, 403, 401, 200])
})

test('who may not read the log is told so whichever entries it asks for, and takes no place of those who follow it', async () => {
  const { capId, token: revoked } = await hub.node
    .capabilities()
    .mint({ verb: 'audit:read', tenant: 'default', peer: 'http' }, BY)
  await hub.node.capabilities().revoke({ cap_id: capId }, undefined, BY)
  const shown = [
    await hub.mint('mailbox:send'),
    await hub.mint('audit:read', { peer: '12D3KooWGzxzKZYveHXtpG6AsrUJBcWxHBFS2HsEoGTxrMLvKXtf' }),
    Buffer.from(revoked).toString('base64url')
  ]

  for (const token of shown)
    for (const query of ['?after=0', '?after=999999999', '?follow=1&after=999999999']) {
      const { status } = await read(query, token)
      assert.equal(status, token === shown[2] ? 401 : 403, query)
    }
})

test('a reader that follows from beyond the newest entry gets what comes', async () => {
  const answer = await fetch(`${hub.url}${EVENTS}?follow=1&after=999999999`, {
    headers: { authorization: `Bearer ${ADMIN}` }
  })

  await hub.node.capabilities().addTenant({ name: 'beyond' }, BY)
  const reader = answer.body!.getReader()
  const [entry] = entriesIn({ bytes: Buffer.from((await reader.read()).value!) })
  await reader.cancel()

  assert.equal(entry!.type, 'tenant')
})

test('a reader that follows is asked for its right while nothing comes', async () => {
  const [{ answer }] = AUDIT as readonly [CallRoute]
  let asked = 0
  let looks = 0
  const parts = {
    auditExtent: () => ({ first: 0, size: 7 }),
    clock: {
      now: () => 0,
      after: (_: number, late: () => void) => (looks++, queueMicrotask(late), () => undefined)
    },
    isDraining: () => looks > 200
  }
  const calls = () => async () => {
    if (++asked > 1) throw new OapError('cap_revoked', 'it was taken back')
    return { body: NO_PIECES }
  }
  const query = { limit: 1, after: 6, follow: '1' }

  const { bytes } = await answer(
    parts as never,
    { query, calls, options: { signal: new AbortController().signal } } as never
  )

  await assert.rejects(async () => {
    for await (const piece of bytes!.pieces) assert.fail(`${piece.length} bytes`)
  }, /taken back/)
})

test('older names of the log lead to it, and what is no number is refused', async () => {
  for (const name of ['events', 'events_ndjson']) {
    const { status, headers } = await hub.ask('GET', `/audit/v1/${name}?after=5&limit=1`)
    assert.deepEqual([status, headers.get('location')], [308, `${EVENTS}?after=5&limit=1`])
  }
  for (const query of ['?after=-1', '?after=x', '?limit=2001', '?limit=0', '?follow=yes', '?x=1'])
    assert.deepEqual([(await read(query)).status, (await read(query)).json.error], [400, 'bad_query'], query)
})
