import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeConnection } from './fake-connection.fixture.ts'
import { LinkedConnections } from './linked-connections.ts'

test('a connection has a link from the one event to the other', () => {
  const { links, told } = watched()
  const connection = new FakeConnection('peer')

  assert.equal(links.link(connection.real), true)
  assert.equal(links.link(connection.real), true)
  assert.deepEqual(told, ['linked true'])

  links.unlink(connection.real)
  links.unlink(connection.real)
  assert.deepEqual(told, ['linked true', 'unlinked false'])
})

test('a connection that closes has no link any more, and nothing is kept of it', () => {
  const { links, told } = watched()
  const connection = new FakeConnection('peer')
  links.link(connection.real)

  connection.close()

  assert.deepEqual(told, ['linked true', 'unlinked false'])
  assert.deepEqual([...links], [])
})

test('a connection that has closed gets no link', () => {
  const { links, told } = watched()
  const connection = new FakeConnection('peer')
  connection.close()

  assert.equal(links.link(connection.real), false)

  assert.deepEqual(told, [])
  assert.equal(links.isLinked(connection.real), false)
})

test('a close after the link has ended is not told', () => {
  const { links, told } = watched()
  const connection = new FakeConnection('peer')
  links.link(connection.real)
  links.unlink(connection.real)

  connection.close()

  assert.deepEqual(told, ['linked true', 'unlinked false'])
})

test('of several connections of a peer the one that was linked first stands for it', () => {
  const { links } = watched()
  const [first, second] = [new FakeConnection('peer'), new FakeConnection('peer')]
  links.link(first.real)
  links.link(second.real)

  assert.equal(links.of(second.remotePeer), first.real)

  first.close()
  assert.equal(links.of(second.remotePeer), second.real)
})

function watched() {
  const links = new LinkedConnections()
  const told: string[] = []
  for (const event of ['linked', 'unlinked'] as const) {
    links.addEventListener(event, ({ detail }) => told.push(`${event} ${links.isLinked(detail)}`))
  }
  return { links, told }
}
