import assert from 'node:assert/strict'
import test from 'node:test'
import { Edges } from './edges.ts'
import { Fuzzer } from './fuzzer.ts'
import { instrumentImports } from './instrument.ts'
import { BYTE_MUTATIONS } from './mutate.ts'
import { faultKey } from './target.ts'
import type { Finding, Target } from './target.ts'

instrumentImports(url => url.endsWith('/planted.fixture.ts'))
const { planted } = await import('./planted.fixture.ts')

const MOST_EXECUTIONS = 300_000

const target = (run: Target['run']): Target => ({
  name: 'planted',
  about: 'a fault put there on purpose',
  maxBytes: 64,
  mutations: Object.values(BYTE_MUTATIONS),
  dictionary: [],
  seeds: () => [],
  run
})

async function search(fuzzer: Fuzzer, most: number): Promise<Finding | undefined> {
  for (let i = 0; i < most; i++) {
    const finding = await fuzzer.step()
    if (finding !== undefined) return finding
  }
  return undefined
}

const onPlanted = (edges: Edges, seed: number) =>
  new Fuzzer(
    target(bytes => void planted(bytes)),
    edges,
    seed
  )

test('finds a planted fault that chance would not, and shortens its input', async () => {
  const finding = await search(onPlanted(Edges.shared(), 1), MOST_EXECUTIONS)

  assert.match(String(finding?.error), /planted/)
  const [one, two, three, length, high, ...rest] = finding!.input
  assert.deepEqual([one, two, three, length], [0x6f, 0x61, 0x70, finding!.input.length])
  assert.ok(high! >= 0x80)
  assert.ok(rest.every(byte => byte === 0x30))
})

test('finds nothing without the counters, however long', async () => {
  const finding = await search(onPlanted(new Edges(), 1), MOST_EXECUTIONS)

  assert.equal(finding, undefined)
})

test('does the same again with the same seed', async () => {
  const one = onPlanted(Edges.shared(), 5)
  const two = onPlanted(Edges.shared(), 5)

  await search(one, 5000)
  await search(two, 5000)

  assert.deepEqual(one.minimal(), two.minimal())
  assert.equal(one.reached.features, two.reached.features)
})

test('gives the first known input that fails, as it is', async () => {
  const fails = new Fuzzer(
    target(bytes => assert.notEqual(bytes.length, 3)),
    new Edges(),
    1
  )
  const known = [2, 3, 3].map(n => ({ bytes: new Uint8Array(n).fill(n), isPinned: false }))

  const finding = await fails.replay(known)

  assert.deepEqual(finding?.input, new Uint8Array(3).fill(3))
  assert.equal(fails.executions, 2)
})

test('keeps a pinned input that reaches nothing new', async () => {
  const fuzzer = onPlanted(Edges.shared(), 1)
  const bytes = Uint8Array.of(1)

  await fuzzer.replay([
    { bytes, isPinned: false },
    { bytes, isPinned: true },
    { bytes, isPinned: false }
  ])

  assert.deepEqual(
    fuzzer.minimal().map(kept => [kept.bytes, kept.isPinned]),
    [[bytes, true]]
  )
})

test('takes two faults for one when only numbers differ', () => {
  const fault = (n: number) => new RangeError(`at byte ${n}`)

  assert.equal(faultKey(fault(1)), faultKey(fault(22)))
  assert.notEqual(faultKey(fault(1)), faultKey(new TypeError('at byte 1')))
})
