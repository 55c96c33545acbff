import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ReadNodes } from './read-nodes.ts'

const kept = (nodes: ReadNodes, names: readonly string[]): readonly string[] =>
  names.filter(name => nodes.get(name) !== undefined)

test('gives back what was kept, the bytes themselves', () => {
  const nodes = new ReadNodes()
  const bytes = Buffer.from('node')

  nodes.keep('a', bytes)

  assert.equal(nodes.get('a'), bytes)
  assert.equal(nodes.get('b'), undefined)
})

test('forgets those that were used longest ago once they have more bytes than allowed', () => {
  const nodes = new ReadNodes(30)
  for (const name of ['a', 'b', 'c']) nodes.keep(name, Buffer.alloc(10))
  nodes.get('a')

  nodes.keep('d', Buffer.alloc(15))

  assert.deepEqual(kept(nodes, ['a', 'b', 'c', 'd']), ['a', 'd'])
  assert.equal(nodes.bytes, 25)
})

test('counts a node that is kept again once', () => {
  const nodes = new ReadNodes(30)

  for (let n = 0; n < 10; n++) nodes.keep('a', Buffer.alloc(10))

  assert.equal(nodes.bytes, 10)
})

test('does not keep a node that is very large, nor one beyond all its room', () => {
  const nodes = new ReadNodes(400_000)
  nodes.keep('large', Buffer.alloc(256 * 1024 + 1))
  assert.equal(nodes.get('large'), undefined)

  const small = new ReadNodes(5)
  small.keep('a', Buffer.alloc(6))

  assert.equal(small.bytes, 0)
})
