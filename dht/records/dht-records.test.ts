import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { KadDHTComponents } from '@libp2p/kad-dht'
import { MemoryLevel } from 'memory-level'
import { DhtRecords } from './dht-records.ts'
import type { RecordsOptions } from './dht-records.ts'

type Key = Parameters<KadDHTComponents['datastore']['put']>[0]

const DAY = 24 * 3_600_000
const BOUNDS = { maxProvidedByPeer: 2, maxRecords: 4, maxRecordBytes: 8 }
const VALUE = Uint8Array.of(7)

void describe('records of the DHT', () => {
  void test('are there after a restart, with their bounds', async () => {
    const { records, reopen } = await createRecords()
    await records.put(provider('1', 'a'), VALUE)
    await records.put(provider('2', 'a'), VALUE)
    await records.put(value('x'), VALUE)

    const again = await reopen()

    assert.deepEqual([...(await again.get(value('x')))], [7])
    assert.deepEqual(await providersOf(again, '1'), ['a'])
    assert.equal(again.size, 3)
    await assert.rejects(again.put(provider('3', 'a'), VALUE), /as much as it may/)
  })

  void test('can be replaced and deleted, and then make room', async () => {
    const { records } = await createRecords()
    for (const id of ['1', '2', '2']) await records.put(provider(id, 'a'), VALUE)

    await records.delete(provider('1', 'a'))
    await records.delete(provider('1', 'a'))
    await records.put(provider('3', 'a'), VALUE)

    assert.equal(records.size, 2)
    assert.equal(await records.has(provider('1', 'a')), false)
    await assert.rejects(records.get(provider('1', 'a')), { name: 'NotFoundError' })
  })

  void test('of others are bounded, those of this node are not', async () => {
    const { records } = await createRecords()
    for (const name of ['1', '2', '3', '4']) await records.put(value(name), VALUE)

    await assert.rejects(records.put(value('5'), VALUE), /as many records as it may/)
    await assert.rejects(records.put(provider('5', 'a'), VALUE), /as many records as it may/)
    for (const id of ['1', '2', '3']) await records.put(provider(id, 'self'), VALUE)

    assert.equal(records.size, 4)
  })

  void test('keep to their bounds when many come at once', async () => {
    const { records } = await createRecords()

    const results = await Promise.allSettled(
      Array.from({ length: 20 }, (_, n) => records.put(provider(String(n), 'a'), VALUE))
    )

    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 2)
    assert.equal(records.size, 2)
  })

  void test('that are too large are refused, also in place of a small one', async () => {
    const { records } = await createRecords()
    await records.put(value('x'), VALUE)

    await assert.rejects(records.put(value('x'), new Uint8Array(9)), /a record of 9 bytes/)

    assert.deepEqual([...(await records.get(value('x')))], [7])
  })

  for (const [what, name] of [
    ['another hash', `/dht/provider/bqka${'a'.repeat(52)}/a`],
    ['bytes in place of a hash', `/dht/provider/${'a'.repeat(1_000_000)}/a`],
    ['a short hash', `/dht/provider/ciq${'a'.repeat(51)}/a`],
    ['a hash and more', `/dht/provider/ciq${'a'.repeat(52)}/a/a`],
    ['nobody', `/dht/provider/ciq${'a'.repeat(52)}/`],
    ['a name without end', `/dht/record/${'a'.repeat(300)}`]
  ] as const)
    void test(`of ${what} are refused`, async () => {
      const { records } = await createRecords()

      await assert.rejects(records.put(named(name), VALUE), /a record of no blob/)

      assert.equal(records.size, 0)
    })

  void test('name the providers that can be reached, and those that are back', async () => {
    const { records, reachable } = await createRecords()
    for (const peer of ['self', 'a', 'b']) await records.put(provider('1', peer), VALUE)

    reachable.delete('b')
    assert.deepEqual(await providersOf(records, '1'), ['a', 'self'])
    reachable.add('b')
    assert.deepEqual(await providersOf(records, '1'), ['a', 'b', 'self'])
  })

  void test('of who has a blob are forgotten after a day, also those of this node', async () => {
    const { records, time } = await createRecords()
    await records.put(provider('1', 'a'), VALUE)
    await records.put(provider('1', 'self'), VALUE)
    await records.put(value('x'), VALUE)

    time.nowMs += DAY - 1
    assert.deepEqual(await providersOf(records, '1'), ['a', 'self'])
    time.nowMs += 1
    assert.deepEqual(await providersOf(records, '1'), [])

    assert.equal(records.size, 1)
    assert.deepEqual([...(await records.get(value('x')))], [7])
  })

  void test('that are said again live on', async () => {
    const { records, time } = await createRecords()
    await records.put(provider('1', 'a'), VALUE)
    time.nowMs += DAY / 2
    await records.put(provider('1', 'a'), VALUE)
    time.nowMs += DAY - 1

    assert.deepEqual(await providersOf(records, '1'), ['a'])
    assert.equal(records.size, 1)
  })
})

async function createRecords() {
  const level = new MemoryLevel<string, Uint8Array>({ keyEncoding: 'utf8', valueEncoding: 'view' })
  const reachable = new Set(['a', 'b'])
  const time = { nowMs: 1_795_000_000_000 }
  const options: RecordsOptions = {
    prefix: '/dht',
    self: 'self',
    isReachable: peer => reachable.has(peer),
    bounds: BOUNDS,
    wallMs: () => time.nowMs
  }
  const reopen = (): Promise<DhtRecords> => DhtRecords.open(level, options)
  return { records: await reopen(), reopen, reachable, time }
}

const provider = (id: string, peer: string): Key => named(`/dht/provider/${rootOf(id)}/${peer}`)
/** As kad-dht writes the multihash of a blob. */
const rootOf = (id: string): string =>
  `ciq${id.replaceAll(/\d/g, digit => 'abcdefghij'[Number(digit)]!).padEnd(52, 'z')}`
const value = (name: string): Key => named(`/dht/record/${name}`)
const named = (name: string): Key => ({ toString: () => name }) as Key

async function providersOf(records: DhtRecords, id: string): Promise<string[]> {
  const found: string[] = []
  for await (const { key } of records.query({ prefix: `/dht/provider/${rootOf(id)}` }))
    found.push(key.toString().split('/').at(-1)!)
  return found
}
