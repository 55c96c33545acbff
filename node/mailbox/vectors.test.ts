import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import type { TestContext } from 'node:test'
import { OapError, decodePayload, isErrorCode, mailboxService } from '../../protocols/index.ts'
import type { Call, Operation } from '../../protocols/index.ts'
import { vectorBytes } from '../../specs/index.ts'
import type { Bytes } from '../../specs/index.ts'
import { mailboxOver, tenantOfPeer } from '../handlers/mailbox.ts'
import { formatLease, parseLease, placeDigest } from './lease-token.ts'
import { TOPIC, bodyOf, testMailbox } from './mailbox.fixture.ts'
import type { TestMailbox } from './mailbox.fixture.ts'
import { verifyReceipt } from './receipts.ts'
import type { Taken } from './receiving.ts'

const read = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../specs/vectors/${name}`, import.meta.url), 'utf8'))

interface Named {
  readonly name: string
  readonly about: string
}

interface RequestVector extends Named {
  readonly payload: Bytes
  readonly flags?: readonly string[]
  readonly accept: boolean
  readonly members?: Record<string, unknown>
  readonly reason?: string
  readonly status?: number
  readonly code?: string
}

describe('requests', () => {
  const { requests } = read('mailbox-requests.json') as { readonly requests: readonly RequestVector[] }

  test('have names of their own', () => {
    assert.equal(new Set(requests.map(({ name }) => name)).size, requests.length)
  })

  for (const vector of requests) {
    test(`${vector.name}: ${vector.about}`, async t => {
      const judged = judge(t, vector)

      if (vector.accept) {
        await judged
        return
      }
      await assert.rejects(judged, error => {
        assert.ok(error instanceof OapError && isErrorCode(error.counted), String(error))
        assert.deepEqual(
          [error.counted, error.status, error.code],
          [vector.reason, vector.status, vector.code]
        )
        return true
      })
    })
  }
})

/** As a session and the service judge it. */
async function judge(t: TestContext, { payload, flags = [], members }: RequestVector): Promise<void> {
  const box = await testMailbox(t)
  const { header, body } = decodePayload(vectorBytes(payload))
  const op = header['op'] as keyof typeof mailboxService.operations
  const row = mailboxService.operations[op] as Operation
  const request = row.request.decode(header, body) as Record<string, unknown>
  if (members !== undefined) assert.deepEqual(withoutBodies(request), members)
  const { handlers } = mailboxOver({
    mailbox: () => box.mailbox,
    sendRefusal: () => undefined,
    tenantOf: tenantOfPeer,
    visibilityMs: 30_000,
    maxVisibilityMs: 300_000,
    afterAnswer: run => run(),
    failed: error => assert.fail(error as Error)
  })
  const handler = handlers[op] as (request: unknown, call: Partial<Call>) => unknown
  const isE2e = flags.includes('APP_E2E')
  await handler(request, {
    isE2e,
    isE2ePacked: isE2e && flags.includes('COMP'),
    signal: new AbortController().signal
  })
}

/** Bodies are bytes and have vectors of their own. */
function withoutBodies({ items, ...rest }: Record<string, unknown>): Record<string, unknown> {
  const members = Object.fromEntries(Object.entries(rest).filter(([name]) => name !== 'body'))
  return Array.isArray(items) ? { ...members, items: items.map(withoutBodies) } : members
}

describe('leases', () => {
  const { tokens, none } = read('mailbox-leases.json') as {
    readonly tokens: readonly (Named & {
      readonly place: { tenant: string; topic: string; priority: number; msg_id: string }
      readonly boot: number
      readonly attempt: number
      readonly key: string
      readonly nonce: string
      readonly text: string
    })[]
    readonly none: readonly { readonly name: string; readonly text: string }[]
  }

  for (const { name, about, place, text, boot, attempt, key, nonce } of tokens) {
    test(`${name}: ${about}`, () => {
      const { msg_id: id, ...rest } = place

      assert.equal(placeDigest({ ...rest, id }), key)
      assert.deepEqual(parseLease(text), { boot, attempt, key, nonce })
      assert.equal(formatLease({ boot, attempt, key, nonce }), text)
      assert.ok(text.length <= 64)
    })
  }
  for (const { name, text } of none)
    test(`no lease: ${name}`, () => assert.equal(parseLease(text), undefined))
})

describe('receipts', () => {
  const { hub, valid, invalid } = read('mailbox-receipts.json') as {
    readonly hub: { readonly hub_id: string }
    readonly valid: readonly (Named & { readonly text: string; readonly statement: unknown })[]
    readonly invalid: readonly (Named & { readonly text: string })[]
  }

  for (const { name, about, text, statement } of valid)
    test(`${name}: ${about}`, () => assert.deepEqual(verifyReceipt(Buffer.from(text), hub.hub_id), statement))
  for (const { name, about, text } of invalid)
    test(`not ${name}: ${about}`, () =>
      assert.throws(() => verifyReceipt(Buffer.from(text), hub.hub_id), SyntaxError))

  test('one of another hub is not this hub’s', () => {
    assert.throws(() => verifyReceipt(Buffer.from(valid[0]!.text), `h1${'a'.repeat(52)}`), /another hub/)
  })
})

interface Step {
  readonly send?: string
  readonly recv?: number
  readonly ack?: string
  readonly nack?: string
  readonly extend?: string
  readonly pass_ms?: number
  readonly restart?: boolean
  readonly dead?: readonly string[]
  readonly redrive?: number
  readonly priority?: number
  readonly idem_key?: string
  readonly ttl_s?: number
  readonly delay_ms?: number
  readonly visibility_ms?: number
  readonly bodies?: readonly string[]
  readonly attempts?: readonly number[]
  readonly code?: string
  readonly duplicate?: boolean
}

describe('scripts', () => {
  const { scripts } = read('mailbox-order.json') as {
    readonly scripts: readonly (Named & { readonly steps: readonly Step[] })[]
  }

  for (const { name, about, steps } of scripts) {
    test(`${name}: ${about}`, async t => {
      const player = new Player(await testMailbox(t))
      for (const step of steps) await player.play(step)
    })
  }
})

class Player {
  readonly #box: TestMailbox
  readonly #last = new Map<string, Taken>()

  constructor(box: TestMailbox) {
    this.#box = box
  }

  async play(step: Step): Promise<void> {
    const box = this.#box
    if (step.send !== undefined) await this.#send(step.send, step)
    else if (step.recv !== undefined) await this.#recv(step.recv, step)
    else if (step.ack !== undefined)
      await this.#settle(step.ack, step, items => box.mailbox.ack(TOPIC, items))
    else if (step.nack !== undefined)
      await this.#settle(step.nack, step, items => box.mailbox.nack(TOPIC, items, { delayMs: step.delay_ms }))
    else if (step.extend !== undefined)
      await this.#settle(step.extend, step, items => box.mailbox.extend(TOPIC, items, step.visibility_ms!))
    else if (step.pass_ms !== undefined) await box.pass(step.pass_ms)
    else if (step.restart === true) await box.restart()
    else if (step.redrive !== undefined)
      assert.equal((await box.mailbox.redrive(TOPIC, { max: 100 })).done, step.redrive)
    else {
      const { items } = await box.mailbox.deadLetters(TOPIC, { max: 100, maxBytes: 1e6 })
      assert.deepEqual(
        items.map(({ body }) => Buffer.from(body!).toString()),
        step.dead
      )
    }
  }

  async #send(text: string, step: Step): Promise<void> {
    const { priority, idem_key, ttl_s, delay_ms } = step
    const not_before = delay_ms && this.#box.time.nowMs + delay_ms
    const sending = this.#box.mailbox.send([
      { ...TOPIC, body: Buffer.from(text), priority, idem_key, ttl_s, not_before }
    ])
    if (step.code !== undefined) return await assert.rejects(sending, { code: step.code })
    assert.equal((await sending)[0]!.duplicate, step.duplicate ?? false)
  }

  async #recv(most: number, step: Step & { readonly ack?: string }): Promise<void> {
    const isExplicit = step.ack !== 'auto'
    const visibilityMs = step.visibility_ms ?? 30_000
    const taken = await this.#box.take(most, { visibilityMs, isExplicit })
    assert.deepEqual(taken.map(bodyOf), step.bodies)
    if (step.attempts !== undefined)
      assert.deepEqual(
        taken.map(({ lease }) => lease.attempt),
        step.attempts
      )
    for (const one of taken) this.#last.set(bodyOf(one), one)
    if (!isExplicit) await this.#box.mailbox.written(taken, false)
  }

  async #settle(
    text: string,
    step: Step,
    call: (items: { msg_id: string; lease: string }[]) => unknown
  ): Promise<void> {
    const item = this.#box.item(this.#last.get(text)!)
    const [result] = (await call([item])) as { code?: string }[]
    assert.equal(result!.code, step.code)
  }
}
