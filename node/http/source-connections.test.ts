import assert from 'node:assert/strict'
import { test } from 'node:test'
import { networksOf } from '../ams/access/addresses.ts'
import { SourceConnections } from './source-connections.ts'

const sources = (most: number) => new SourceConnections(most, networksOf(['10.0.0.0/8']))

test('forgets a source with its last connection', () => {
  const held = sources(2)
  const left = ['203.0.113.7', '203.0.113.7', '203.0.113.8', '2001:db8::1'].map(ip => held.enter(ip)!)
  const whileHeld = held.size

  const refused = held.enter('203.0.113.7')
  for (const leave of left) leave()

  assert.deepEqual([whileHeld, refused, held.size], [4, undefined, 0])
})

test('an address in its IPv4 and its mapped form is one source', () => {
  const held = sources(1)

  assert.ok(held.enter('203.0.113.7'))
  assert.equal(held.enter('::ffff:203.0.113.7'), undefined)
})

test('the addresses of a /64 are one source, and a /48 has as many as two of them', () => {
  const held = sources(1)

  const taken = ['2001:db8:0:1::1', '2001:db8:0:1::2', '2001:db8:0:2::1', '2001:db8:0:3::1', '2001:db8:1::1']

  assert.deepEqual(
    taken.map(ip => held.enter(ip) !== undefined),
    [true, false, true, false, true]
  )
})

test('who speaks for others may have any number, and is not kept', () => {
  const held = sources(1)

  assert.ok(['10.0.0.1', '10.0.0.1', undefined, ''].every(ip => held.enter(ip) !== undefined))
  assert.equal(held.size, 0)
})
