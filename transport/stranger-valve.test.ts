import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { describe, test } from 'node:test'
import type { TestContext } from 'node:test'
import { StrangerValve } from './stranger-valve.ts'
import type { ValveOptions } from './stranger-valve.ts'

const HUB = '198.51.100.7'
const DEAR_MS = 60_000

class FakeSocket extends EventEmitter {
  readonly remoteAddress: string | undefined
  destroyed = false

  constructor(remoteAddress: string | undefined) {
    super()
    this.remoteAddress = remoteAddress
  }

  destroy(): void {
    if (this.destroyed) return
    this.destroyed = true
    this.emit('close')
  }
}

/** A valve on fake time, whose strangers have cost so much that only what always comes in does. */
class Scene {
  now = 0
  utilisation = 0.9
  readonly in: string[] = []
  readonly refused: string[] = []
  readonly valve: StrangerValve

  constructor(t: TestContext, options: Partial<ValveOptions> = {}) {
    // Time passes in `pass` alone.
    t.mock.timers.enable({ apis: ['setTimeout'] })
    this.valve = new StrangerValve({
      maxLoopPercent: 25,
      maxWaiting: 256,
      maxOfNetwork: 8,
      maxWaitMs: 5000,
      loopbackIsKnown: false,
      utilisation: () => this.utilisation,
      now: () => this.now,
      onRefused: ip => this.refused.push(ip),
      ...options
    })
    this.valve.sample()
    this.valve.open(true).spend(DEAR_MS)
  }

  arrive(ip: string | undefined): FakeSocket {
    const socket = new FakeSocket(ip)
    this.valve.arrived(socket as unknown as Socket, () => this.in.push(ip!))
    return socket
  }

  /** Strangers of so many networks, eight of each. */
  attack(networks: number): FakeSocket[] {
    return Array.from({ length: 8 * networks }, (_, i) =>
      this.arrive(`203.0.${i % networks}.${1 + (i >> 6)}`)
    )
  }

  pass(t: TestContext, ms: number): void {
    for (const end = this.now + ms; this.now < end;) {
      this.now++
      t.mock.timers.tick(1)
      if (this.now % 250 === 0) this.valve.sample()
    }
  }
}

describe('the valve for strangers', () => {
  test('lets everybody in at once while the event loop is idle', t => {
    const scene = new Scene(t, { utilisation: () => 0 })

    scene.attack(63)

    assert.deepEqual([scene.in.length, scene.valve.waiting, scene.valve.waited], [504, 0, 0])
  })

  test('a hub that has proved itself before is in within 100 ms while 500 strangers wait', t => {
    const scene = new Scene(t)
    scene.valve.prove(HUB)
    scene.attack(63)
    scene.pass(t, 300)
    const waiting = scene.valve.waiting

    scene.arrive(HUB)
    scene.pass(t, 100)

    assert.equal(waiting, 256 - 1)
    assert.equal(scene.in.at(-1), HUB)
  })

  test('and so is within 250 ms one that nobody has heard of, from a network of its own', t => {
    const scene = new Scene(t)
    scene.attack(16)
    // By then all of the 16 have had a turn, and have others that wait.
    scene.pass(t, 4100)
    assert.ok(scene.valve.waiting > 100)
    const before = scene.in.length

    scene.arrive(HUB)
    scene.pass(t, 250)

    assert.ok(scene.in.slice(before).includes(HUB), scene.in.slice(before).join(' '))
  })

  test('refuses who has waited for long, and who finds no place', t => {
    const scene = new Scene(t)
    scene.valve.open(true).spend(DEAR_MS)
    const sockets = scene.attack(63)
    assert.equal(scene.refused.length, 504 - 256 - scene.in.length)

    scene.pass(t, 5500)

    assert.equal(scene.valve.waiting, 0)
    assert.equal(scene.in.length + scene.refused.length, 504)
    assert.equal(sockets.filter(({ destroyed }) => destroyed).length, scene.refused.length)
    assert.ok(scene.in.length >= 5000 / 250)
    assert.equal(scene.valve.waited, 256)
  })

  test('opens again once the loop is idle and nobody waits', t => {
    const scene = new Scene(t)
    scene.attack(1)
    scene.utilisation = 0.1
    scene.pass(t, 250)
    assert.equal(scene.valve.waiting > 0, true)

    scene.pass(t, 5500)
    const before = scene.in.length
    scene.attack(63)

    assert.equal(scene.in.length - before, 504)
  })

  test('forgets one that leaves while it waits', t => {
    const scene = new Scene(t)
    scene.arrive(HUB)
    const socket = scene.arrive(HUB)
    assert.equal(scene.valve.waiting, 1)

    socket.destroy()

    assert.equal(scene.valve.waiting, 0)
    scene.pass(t, 1000)
    assert.deepEqual(scene.in, [HUB])
    assert.deepEqual([socket.listenerCount('close'), socket.listenerCount('error')], [1, 1])
  })

  test('destroys one that has left before it was accepted', t => {
    const scene = new Scene(t)

    const socket = scene.arrive(undefined)

    assert.deepEqual([socket.destroyed, scene.in.length], [true, 0])
  })

  test('leaves a socket to its owner as it got it', t => {
    const scene = new Scene(t)
    scene.arrive(HUB)
    const socket = scene.arrive(HUB)

    scene.pass(t, 1000)

    assert.equal(scene.in.length, 2)
    assert.deepEqual(socket.eventNames(), [])
  })

  test('has callers from a known loopback wait for nothing', t => {
    const scene = new Scene(t, { loopbackIsKnown: true })
    for (const ip of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1']) scene.arrive(ip)

    assert.equal(scene.in.length, 4)
  })

  test('takes a /48 for one network', t => {
    const scene = new Scene(t)
    for (let i = 0; i < 20; i++) scene.arrive(`2001:db8:1:${i.toString(16)}::1`)

    assert.equal(scene.refused.length, 20 - 8 - 1)
  })

  test('refuses all who wait when it closes', t => {
    const scene = new Scene(t)
    scene.attack(4)
    const waiting = scene.valve.waiting

    scene.valve.close()

    assert.deepEqual([scene.valve.waiting, scene.refused.length], [0, waiting])
  })
})
