import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KadDHTComponents } from '@libp2p/kad-dht'
import { LinkedRecords } from './linked-records.ts'

type Key = Parameters<KadDHTComponents['datastore']['put']>[0]

const BOUNDS = { maxProvidedByPeer: 2, maxRecords: 4, maxRecordBytes: 8 }
const VALUE = new Uint8Array(1)

test('keeps a record until it is deleted', async () => {
  const { records } = empty()
  await records.put(value('x'), VALUE)

  assert.equal(await records.get(value('x')), VALUE)
  await records.delete(value('x'))
  await records.delete(value('x'))

  assert.equal(await records.has(value('x')), false)
  await assert.rejects(records.get(value('x')), { name: 'NotFoundError' })
})

test('refuses what one peer provides beyond its bound, until something of it is gone', async () => {
  const { records } = empty()
  await records.put(provider('1', 'a'), VALUE)
  await records.put(provider('2', 'a'), VALUE)
  await records.put(provider('2', 'a'), VALUE)

  await assert.rejects(records.put(provider('3', 'a'), VALUE), /as much as it may/)
  await records.put(provider('3', 'b'), VALUE)

  await records.delete(provider('1', 'a'))
  await records.put(provider('3', 'a'), VALUE)
  assert.equal(records.size, 3)
})

test('refuses records of others beyond the bound and has room for those of this node', async () => {
  const { records } = empty()
  for (const name of ['1', '2', '3', '4']) await records.put(value(name), VALUE)

  await assert.rejects(records.put(value('5'), VALUE), /as many records as it may/)
  await assert.rejects(records.put(provider('5', 'a'), VALUE), /as many records as it may/)

  for (const id of ['1', '2', '3']) await records.put(provider(id, 'self'), VALUE)
  assert.equal(records.size, 7)
})

test('refuses a record that is too large, also in place of a small one', async () => {
  const { records } = empty()
  await records.put(value('x'), VALUE)

  await assert.rejects(records.put(value('x'), new Uint8Array(9)), /a record of 9 bytes/)

  assert.equal(await records.get(value('x')), VALUE)
})

test('refuses a record whose key is too long', async () => {
  const { records } = empty()

  await assert.rejects(records.put(provider('q'.repeat(300), 'a'), VALUE), /key is too long/)

  assert.equal(records.size, 0)
})

test('names the providers that can be reached, and those that are back', async () => {
  const { records, reachable } = empty()
  for (const peer of ['self', 'a', 'b']) await records.put(provider('1', peer), VALUE)
  await records.put(provider('2', 'a'), VALUE)
  reachable.add('a')

  assert.deepEqual(await namesOf(records, '/dht/provider/1'), ['/dht/provider/1/self', '/dht/provider/1/a'])

  reachable.add('b')
  assert.equal((await namesOf(records, '/dht/provider/1')).length, 3)
})

test('shows all providers to the clean-up, which asks for everything', async () => {
  const { records } = empty()
  await records.put(provider('1', 'gone'), VALUE)

  assert.deepEqual(await namesOf(records, '/dht/provider'), ['/dht/provider/1/gone'])
})

function empty() {
  const reachable = new Set<string>()
  const records = new LinkedRecords('/dht', 'self', peer => reachable.has(peer), BOUNDS)
  return { records, reachable }
}

const key = (name: string): Key => ({ toString: () => name }) as Key
const provider = (id: string, peer: string): Key => key(`/dht/provider/${id}/${peer}`)
const value = (name: string): Key => key(`/dht/record/${name}`)

async function namesOf(records: LinkedRecords, prefix: string): Promise<string[]> {
  const names = []
  for await (const { key: of } of records.query({ prefix })) names.push(of.toString())
  return names
}
