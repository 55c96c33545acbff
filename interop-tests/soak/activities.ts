import assert from 'node:assert/strict'
import type { NodeConnection } from 'omnigate/sdk'
import { echoService } from 'omnigate/protocols'
import { bytesOf, echoes, streams, subscribes } from '../faults/calls.ts'
import type { Echo } from '../faults/calls.ts'
import type { LinkPlan } from '../faults/fault-plan.ts'
import type { Dice } from '../faults/random.ts'
import { DEADLINE_MS } from './calls.ts'

/** What an activity works with. Connections that it opens are its own to close. */
export interface Visit {
  readonly dice: Dice
  connect(): Promise<NodeConnection>
  /** Makes a call that counts: nothing is done to it, so that it must be answered. */
  call<T>(kind: string, make: () => Promise<T>): Promise<T>
  /** Connects over a link that suffers `plan`. */
  connectThrough(plan: LinkPlan): Promise<NodeConnection>
}

/** One whole cycle, from connecting to disconnecting. Refusals are fine where the activity asks for trouble. */
export type Activity = (visit: Visit) => Promise<void>

const CALLS = 5
const ABANDONED = 12
const STREAM_BYTES = 150_000

export const ACTIVITIES: Readonly<Record<string, Activity>> = {
  async call(visit) {
    await using hub = await visit.connect()
    await visit.call('hello', () => hub.hello())
    for (let i = 0; i < CALLS; i++) {
      const body = bytesOf(i, visit.dice.between(0, 60_000))
      await visit.call('echo', () => echoes(echoOf(hub), body, DEADLINE_MS))
    }
  },

  async stream(visit) {
    await using hub = await visit.connect()
    await visit.call('stream', () => streams(echoOf(hub), bytesOf(1, STREAM_BYTES), DEADLINE_MS))
  },

  async subscribe(visit) {
    await using hub = await visit.connect()
    await visit.call('subscribe', () => subscribes(echoOf(hub), DEADLINE_MS))
    for await (const { n } of await echoOf(hub).ticks({ count: 1000 }, { deadlineMs: DEADLINE_MS }))
      if (n === 10) break
  },

  async cancel(visit) {
    await using hub = await visit.connect()
    const left = new AbortController()
    const ticks = await echoOf(hub).ticks({ count: 1000, interval_ms: 1000 }, { signal: left.signal })
    left.abort(new Error('left'))
    await assert.rejects(lastOf(ticks), { message: 'left' })
  },

  async 'reset in the middle'(visit) {
    const atByte = visit.dice.between(0, STREAM_BYTES)
    await overFault(visit, { up: { cuts: [{ atByte, kind: 'reset' }] } })
  },

  async 'corrupt in the middle'(visit) {
    await overFault(visit, { up: { corruption: { fromByte: visit.dice.between(0, STREAM_BYTES), rate: 1 } } })
  },

  async 'disconnect in the middle'(visit) {
    const hub = await visit.connect()
    const calls = Array.from({ length: CALLS }, () => streams(echoOf(hub), bytesOf(1, STREAM_BYTES)))
    const ended = Promise.allSettled(calls)
    await hub.close()
    await ended
  },

  async 'abandoned streams'(visit) {
    const hub = await visit.connect()
    const opening = Array.from({ length: ABANDONED }, () => echoOf(hub).stream({}, { body: endless() }))
    await Promise.all(opening)
    await hub.close()
  }
}

async function lastOf<T>(items: AsyncIterable<T>): Promise<T | undefined> {
  let last: T | undefined
  for await (const item of items) last = item
  return last
}

const echoOf = (hub: NodeConnection): Echo => hub.client(echoService)

async function overFault(visit: Visit, plan: LinkPlan): Promise<void> {
  await using hub = await visit.connectThrough(plan)
  await streams(echoOf(hub), bytesOf(1, STREAM_BYTES))
}

/** A body of which some comes and the rest never does. */
async function* endless(): AsyncGenerator<Uint8Array> {
  yield bytesOf(2, 10_000)
  await new Promise(() => {})
}
