import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { WaitingNetworks } from './waiting-networks.ts'

const BOUNDS = { maxWaiting: 12, maxOfNetwork: 4 }
const DAY_MS = 24 * 3_600_000

/** Each is named for its network: 'a1' waits for network 'a'. */
class Names {
  readonly waiting = new WaitingNetworks<string>(BOUNDS)
  now = 0

  add(...names: string[]): (string | boolean)[] {
    return names.map(name => {
      const added = this.waiting.add(name, name[0]!, this.now)
      return added.ok && added.displaced !== undefined ? added.displaced : added.ok
    })
  }

  next(count = Infinity): string {
    const names: string[] = []
    for (let name; names.length < count && (name = this.waiting.next()) !== undefined;) names.push(name)
    return names.join(' ')
  }
}

describe('those who wait', () => {
  test('have their turn by network, however many one of them sends', () => {
    const names = new Names()
    names.add('a1', 'a2', 'a3', 'a4', 'b1', 'b2', 'c1')

    assert.equal(names.next(), 'a1 b1 c1 a2 b2 a3 a4')
    assert.equal(names.waiting.size, 0)
    assert.equal(names.waiting.nextIsFirst, undefined)
  })

  test('of a network that comes for the first time wait for none that had its turn', () => {
    const names = new Names()
    names.add('a1', 'a2', 'b1', 'b2')
    names.next(2)
    names.waiting.served('c')
    names.add('c1', 'd1')

    assert.equal(names.next(), 'd1 a2 b2 c1')
  })

  test('are no more than the bound of their network, and of all', () => {
    const names = new Names()

    assert.deepEqual(names.add('a1', 'a2', 'a3', 'a4', 'a5'), [true, true, true, true, false])
    names.add('b1', 'b2', 'b3', 'b4', 'c1', 'c2', 'c3', 'c4')
    assert.equal(names.waiting.size, 12)

    // The last of the longest makes room, but not for one of a network that has as many.
    assert.deepEqual(names.add('d1', 'd2'), ['a4', 'b4'])
    assert.deepEqual(names.add('d3', 'd4'), ['c4', false])
    assert.equal(names.waiting.size, 12)
    assert.equal(names.next(5), 'a1 b1 c1 d1 a2')
  })

  test('of networks where a hub has proved itself go first, and leave every fourth turn to others', () => {
    const names = new Names()
    names.waiting.prove('h', 0)
    names.add('a1', 'a2', 'a3', 'h1', 'h2', 'h3', 'h4')
    assert.equal(names.waiting.nextIsFirst, true)

    assert.equal(names.next(), 'h1 h2 h3 a1 h4 a2 a3')
  })

  test('of such networks always find a place while others have one', () => {
    const names = new Names()
    names.waiting.prove('h', 0)
    names.add(...Array.from('abcdefgijklm', letter => `${letter}1`))

    assert.deepEqual(names.add('x1'), [false])
    assert.deepEqual(names.add('h1'), ['a1'])
    assert.equal(names.next(1), 'h1')
  })

  test('go first for a day after the last proof from there, and 1,024 networks at most do', () => {
    const { waiting } = new Names()
    waiting.prove('h', 0)
    waiting.prove('h', 1000)
    assert.deepEqual(
      [waiting.isProven('h', DAY_MS + 999), waiting.isProven('h', DAY_MS + 1000)],
      [true, false]
    )

    for (let n = 0; n < 1024; n++) waiting.prove(`n${n}`, 2000)
    assert.deepEqual(
      ['h', 'n0', 'n1023'].map(network => waiting.isProven(network, 2000)),
      [false, true, true]
    )
  })

  test('are taken out when they have waited too long, and when they leave', () => {
    const names = new Names()
    names.waiting.prove('h', 0)
    names.add('a1', 'h1')
    names.now = 10
    names.add('a2', 'b1')

    assert.deepEqual(names.waiting.takeOverdue(0), ['h1', 'a1'])
    names.waiting.remove('a2')
    names.waiting.remove('nobody')
    assert.equal(names.waiting.size, 1)
    assert.equal(names.next(), 'b1')
  })

  test('keep no more than 4,096 turns in mind', () => {
    const names = new Names()
    names.waiting.served('a')
    for (let n = 0; n < 4096; n++) names.waiting.served(`n${n}`)
    names.waiting.served('b')
    names.add('b1', 'a1')

    assert.equal(names.next(), 'a1 b1')
  })
})
