import assert from 'node:assert/strict'
import test from 'node:test'
import type { TestContext } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { endings } from '../endings.fixture.ts'
import type { SupervisedPart } from '../supervision.ts'
import { openFederation } from './federation.ts'

/** The part that opens and closes services, without a network: an allowlist to fill, and what was done so far. */
async function opening(t: TestContext, { size = 0, fails = 0 } = {}) {
  const done: string[] = []
  const listeners = new Set<() => void>()
  const held: (() => void)[] = []
  let isHeld = false
  const ended: Promise<void>[] = []
  const stop = new AbortController()
  const allowlist = {
    size,
    onChange(listener: () => void) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    }
  }
  const services = {
    async open(): Promise<never> {
      if (fails-- > 0) throw new Error('no such version')
      if (isHeld) await new Promise<void>(resolve => held.push(resolve))
      done.push('open')
      return {} as never
    },
    async close() {
      done.push('close')
    }
  }
  const supervise = (part: SupervisedPart): Promise<void> =>
    new Promise(resolve => {
      const end = part.run(resolve, stop.signal)
      end.catch(() => undefined)
      ended.push(end)
    })
  endings(t).defer(() => stop.abort())
  await openFederation({ supervise } as never, { allowlist: allowlist as never, services })
  await turn()
  return {
    done,
    listeners,
    ended: ended[0]!,
    stop: () => stop.abort(),
    hold: () => (isHeld = true),
    release: () => held.splice(0).forEach(resolve => resolve()),
    resize: async (to: number) => {
      allowlist.size = to
      for (const listener of listeners) listener()
      await turn()
    }
  }
}

test('a node without an entry in its allowlist opens nothing, and opens when there is one', async t => {
  const { done, resize } = await opening(t)
  assert.equal(done.includes('open'), false)

  await resize(1)
  assert.equal(done.at(-1), 'open')

  await resize(0)
  assert.equal(done.at(-1), 'close')
})

test('an allowlist that has entries already is opened for at once', async t => {
  const { done } = await opening(t, { size: 2 })

  assert.deepEqual(done, ['open'])
})

test('what changes while services are being opened is not missed', async t => {
  const { done, resize, hold, release } = await opening(t)
  hold()
  await resize(1)
  await resize(0)

  release()
  await turn()

  assert.equal(done.at(-1), 'close')
})

test('services that do not open are a crash, after which nobody follows the allowlist', async t => {
  const { ended, listeners } = await opening(t, { size: 1, fails: 1 })

  await assert.rejects(ended, /no such version/)
  assert.equal(listeners.size, 0)
})

test('a node that stops closes them, also while they are being opened', async t => {
  const { done, ended, stop, resize, hold, release, listeners } = await opening(t)
  hold()
  await resize(1)

  stop()
  release()
  await ended

  assert.deepEqual(done.slice(-2), ['open', 'close'])
  assert.equal(listeners.size, 0)
})
