import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'
import { BodyRoom } from './body-room.ts'

const MIB = 1024 * 1024

/** Enters with a body of 2 MiB; yields what ends its answer. */
function enter(room: BodyRoom, name: string, clientIp: string): () => void {
  const raw = new EventEmitter()
  room.enter(
    {
      headers: { 'content-length': String(2 * MIB) },
      routeOptions: { config: {}, bodyLimit: 2 * MIB },
      caller: { role: 'write', name, isModerator: false },
      clientIp
    } as unknown as Parameters<BodyRoom['enter']>[0],
    { raw } as unknown as Parameters<BodyRoom['enter']>[1]
  )
  return () => void raw.emit('close')
}

const SATURATED = { code: 'saturated' }

test('one source of callers without a token has 8 MiB of the room until its answers have ended', () => {
  const room = new BodyRoom(64 * MIB)
  const ended = Array.from({ length: 4 }, () => enter(room, 'anonymous', '192.0.2.1'))

  assert.throws(() => enter(room, 'anonymous', '192.0.2.1'), SATURATED)
  ended.push(enter(room, 'anonymous', '2001:db8:1:2::1'))
  ended.push(...Array.from({ length: 3 }, () => enter(room, 'anonymous', '2001:db8:1:2::9')))
  assert.throws(() => enter(room, 'anonymous', '2001:db8:1:2::3'), SATURATED)
  for (const end of ended) end()
  assert.equal(room.heldBytes, 0)
  enter(room, 'anonymous', '192.0.2.1')
})

test('callers without a token have half of the room, wherever they come from, and the others what is left', () => {
  const room = new BodyRoom(64 * MIB)
  for (let n = 0; n < 16; n++) enter(room, 'anonymous', `192.0.2.${n}`)

  assert.throws(() => enter(room, 'anonymous', '192.0.2.99'), SATURATED)
  for (let n = 0; n < 16; n++) enter(room, 'admin', '192.0.2.1')
  assert.throws(() => enter(room, 'admin', '192.0.2.1'), SATURATED)
})
