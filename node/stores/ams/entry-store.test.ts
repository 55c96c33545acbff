import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { openLevel } from '../level.ts'
import type { Level } from '../level.ts'
import { EntryStore } from './entry-store.ts'
import type { Entry } from './entry-store.ts'

interface Said {
  readonly text: string
}

async function opened(level?: Level, name = 'room') {
  const told: Entry<Said>[] = []
  const traces: (string | undefined)[] = []
  const corrupt: string[] = []
  const rows = level ?? (await openLevel('memory'))
  const store = await EntryStore.open<Said>(rows, {
    name,
    tell: async (entry, trace) => {
      told.push(entry)
      traces.push(trace)
    },
    onCorrupt: key => void corrupt.push(key)
  })
  return { store, told, traces, corrupt, level: rows }
}

const said = (id: string, group = 'a') => ({ id, group, value: { text: id } })
const ids = (items: readonly Entry<Said>[]): string[] => items.map(({ id }) => id)

void describe('an entry', () => {
  void test('is kept once under its id, and told once', async () => {
    const { store, told } = await opened()

    const [first, second] = await Promise.all([store.append(said('x')), store.append(said('x', 'b'))])

    assert.deepEqual([first.isNew, second.isNew], [true, false])
    assert.deepEqual(second.entry, first.entry)
    assert.deepEqual(told, [{ place: 1, ...said('x') }])
  })

  void test('of one store is none of another in the same files', async () => {
    const { store, level } = await opened()
    const { store: other } = await opened(level, 'notary')

    await store.append(said('x'))

    assert.deepEqual((await other.list({ limit: 5, isAscending: true })).items, [])
    assert.equal((await other.append(said('x'))).isNew, true)
  })

  void test('that was durable and not told when the process ended is told at the next opening, and once', async () => {
    const { level } = await opened()
    const silent = await EntryStore.open<Said>(level, {
      name: 'room',
      tell: () => new Promise(() => undefined),
      onCorrupt: () => undefined
    })
    void silent.append({ ...said('x'), trace: 'its traceparent' })
    void silent.append(said('y'))
    await silent.idle()

    const { told, traces } = await opened(level)
    assert.deepEqual(
      [ids(told), traces],
      [
        ['x', 'y'],
        ['its traceparent', undefined]
      ]
    )
    assert.deepEqual((await opened(level)).told, [])
  })

  void test('whose row is damaged is told, and is as if it were not there', async () => {
    const { store, corrupt, level } = await opened()
    await store.append(said('x'))
    await store.append(said('y'))
    const [key] = await level.keys<string>({ gt: '!ams-room!e', lt: '!ams-room!f', limit: 1 }).all()
    const row = Buffer.from((await level.get(key!))!)
    row[10]! ^= 1
    await level.put(key!, row)

    assert.deepEqual(ids((await store.list({ limit: 5, isAscending: true })).items), ['y'])
    assert.deepEqual(corrupt, [key])
  })
})

void describe('a list of entries', () => {
  void test('goes through a group, or all, in both directions by pages', async () => {
    const { store } = await opened()
    for (let n = 1; n <= 6; n++) await store.append(said(`x${n}`, n % 2 === 0 ? 'a' : 'ab'))
    const paged = async (group: string | undefined, isAscending: boolean): Promise<string[][]> => {
      const pages: string[][] = []
      let after: number | undefined
      do {
        const page = await store.list({ group, after, limit: 2, isAscending })
        pages.push(ids(page.items))
        after = page.next
      } while (after !== undefined)
      return pages
    }

    assert.deepEqual(await paged('a', true), [['x2', 'x4'], ['x6']])
    assert.deepEqual(await paged('a', false), [['x6', 'x4'], ['x2']])
    assert.deepEqual(await paged(undefined, false), [
      ['x6', 'x5'],
      ['x4', 'x3'],
      ['x2', 'x1']
    ])
    assert.deepEqual(await paged('b', true), [[]])
  })

  void test('ends a page early where entries are long', async () => {
    const { store } = await opened()
    const text = 'x'.repeat(256 * 1024)
    for (let n = 1; n <= 6; n++) await store.append({ id: `x${n}`, group: 'a', value: { text } })

    const first = await store.list({ limit: 6, isAscending: true })
    const second = await store.list({ limit: 6, after: first.next, isAscending: true })

    assert.deepEqual(
      [ids(first.items), ids(second.items)],
      [
        ['x1', 'x2', 'x3', 'x4'],
        ['x5', 'x6']
      ]
    )
    assert.equal(second.next, undefined)
  })
})
