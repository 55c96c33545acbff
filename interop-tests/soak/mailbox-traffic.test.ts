import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { createClient } from 'omnigate/sdk'
import { Dice } from '../faults/random.ts'
import { Availability } from './availability.ts'
import { HELD_TOPIC, MailboxTraffic } from './mailbox-traffic.ts'
import { Restarts } from './restarts.ts'
import { SoakNode } from './soak-node.ts'
import { Watch } from './watch.ts'

const TAKEN = 16

test('what is held over a restart comes back, and what does not is told', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'omnigate-soak-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  await using node = await SoakNode.start(folder)
  const { address } = node
  const watch = new Watch(new Restarts(), new Availability(), () => undefined)
  const traffic = new MailboxTraffic({ address, watch, dice: new Dice(1), broken: assert.fail })

  const kept = await traffic.hold()
  assert.deepEqual(await node.restart('kill'), [])
  assert.deepEqual(await traffic.takeHeld(kept), [])
  assert.ok(kept.storedCount > TAKEN)

  const robbed = await traffic.hold()
  await using thief = await createClient({ url: address })
  await thief.mailbox.recv(HELD_TOPIC, { max: TAKEN, ack: 'auto' })
  const told = await traffic.takeHeld(robbed)

  assert.equal(told.length, TAKEN)
  assert.equal(told[0], 'after a restart: m0 was acknowledged and never came')
})
