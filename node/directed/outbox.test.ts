import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import {
  DIRECTED_MESSAGE,
  DIRECTED_RECEIPT,
  directedId,
  formatSigned,
  parseSigned,
  signStatement
} from '../../federation/index.ts'
import type { DirectedReceiptStatement, Treaty } from '../../federation/index.ts'
import { OapError } from '../../protocols/index.ts'
import type { ConnectionCaller } from '../../protocols/index.ts'
import { signedAs } from '../identity/index.ts'
import { bodyOf, testMailbox } from '../mailbox/mailbox.fixture.ts'
import type { Directing } from '../mailbox/index.ts'
import { SHARE, TENANT, TOPIC, TREATY, testHub } from './hub.fixture.ts'
import { Outbox } from './outbox.ts'
import { DirectedSends } from './sends.ts'

const [here, there, silent] = [testHub(10), testHub(20), testHub(30)]
const REPLIES = 'replies'
const OTHER_TENANT = '22222222-2222-4333-8444-555555555555'

test('the same statement goes with each attempt until a receipt stands, which the sender then has', async t => {
  const world = await given(t)
  world.answer(there.hub, () => new OapError('saturated', 'no', { retryAfterMs: 1000 }), 2)
  await world.send('a', { receipt: ['delivered'], reply_topic: REPLIES })

  for (let n = 0; n < 3; n++) await world.pass(60_000)

  const { lines, replies } = { lines: world.sent(there.hub), replies: await world.replies() }
  assert.equal(lines.length, 3)
  assert.equal(new Set(lines).size, 1)
  assert.deepEqual(replies, ['stored'])
  assert.deepEqual(world.outbox.waiting(there.hub), { messages: 0, bytes: 0 })
})

test('what is refused for good is taken away and bounced in one step', async t => {
  const world = await given(t)
  world.answer(there.hub, () => new OapError('bad_request', 'no', { code: 'stale' }))
  await world.send('a', { bounce: true, reply_topic: REPLIES })
  const commits = world.commits()

  await world.pass(0)

  assert.deepEqual(
    commits.map(changes => changes.map(({ do: what }) => what)),
    [['remove', 'append']]
  )
  assert.deepEqual(await world.replies(), ['refused stale'])
})

test('a receipt that is not for the message is none, and the message is tried again', async t => {
  const world = await given(t)
  world.answer(there.hub, receipt => ({ ...receipt, id: '00'.repeat(32) }), 1)
  world.answer(there.hub, receipt => ({ ...receipt, epoch: 7 }), 1)
  await world.send('a', { receipt: ['delivered'], reply_topic: REPLIES })

  await world.pass(0)
  assert.deepEqual([world.outbox.waiting(there.hub).messages, await world.replies()], [1, []])
  for (let n = 0; n < 2; n++) await world.pass(60_000)

  assert.deepEqual(await world.replies(), ['stored'])
  assert.deepEqual(world.noReceipts, ['other', 'key'])
})

test('a hub that does not answer holds up no other, and a tenant with many messages none with one', async t => {
  const world = await given(t)
  world.answer(silent.hub, () => new Promise(() => undefined))
  world.link(false)
  await world.send('silent', { to: { hub: silent.hub, share: SHARE.id } })
  for (let n = 0; n < 40; n++) await world.send(`many ${n}`)
  await world.send('one', { tenant: OTHER_TENANT })
  world.link(true)

  await world.pass(0)

  const bodies = world.bodies(there.hub)
  assert.ok(bodies.indexOf('one') <= 16, `${bodies.indexOf('one')} before it`)
  assert.equal(bodies.length, 41)
})

test('what is in the outbox is found and tried again after a restart, and expires with a bounce', async t => {
  const world = await given(t)
  world.answer(there.hub, () => new OapError('not_ready'))
  await world.send('a', { bounce: true, reply_topic: REPLIES, ttl_s: 60 })
  await world.pass(0)

  await world.restart()
  await world.pass(10_000)
  assert.ok(world.sent(there.hub).length >= 2)
  await world.pass(120_000)

  assert.deepEqual(await world.replies(), ['expired'])
  assert.deepEqual(world.outbox.waiting(there.hub), { messages: 0, bytes: 0 })
})

test('a full outbox refuses with its code', async t => {
  const world = await given(t, { messages: 1 })
  await world.send('a')

  await assert.rejects(world.send('b'), { code: 'outbox_full', status: 429 })
})

type Answer = (receipt: DirectedReceiptStatement) => DirectedReceiptStatement | OapError | Promise<never>

async function given(t: TestContext, { messages = 1000 }: { readonly messages?: number } = {}) {
  const answers = new Map<string, { readonly answer: Answer; left: number }[]>()
  const noReceipts: string[] = []
  const sent: { readonly hub: string; readonly line: string; readonly body: string }[] = []
  const rows = [...TREATY.rows, { ...TREATY.rows[0]!, tenant: OTHER_TENANT }]
  const treaty: Treaty = { ...TREATY, rows }
  const sends = new DirectedSends({
    signers: { of: here.of, known: role => here.signers[role as 'message'] },
    treatyOf: () => treaty,
    theirs: () => undefined,
    random: bytes => Buffer.alloc(bytes, sent.length + counter++),
    queued: (tenant, hub) => outbox.queued(tenant, hub)
  })
  let counter = 0
  let isLinked = true
  const directing: Directing = {
    messages,
    bytes: sends.bytes,
    prepare: () => sends.prepare(),
    address: (one, times) => sends.address(one, times),
    queued: (tenant, hub) => sends.queued(tenant, hub)
  }
  const box = await testMailbox(t, { directing })
  const nowS = () => Math.floor(box.time.nowMs / 1000)
  const callerOf = (hub: string): ConnectionCaller => {
    const deliver = async ({ statement: line, body }: { statement: string; body: Uint8Array }) => {
      sent.push({ hub, line, body: Buffer.from(body).toString() })
      const { statement } = parseSigned(DIRECTED_MESSAGE, line)
      const signer = (hub === there.hub ? there : silent).signers.receipt
      const receipt: DirectedReceiptStatement = {
        at: nowS(),
        body_sha256: statement.body_sha256,
        id: directedId(statement),
        origin: here.hub,
        share: statement.share,
        state: 'stored',
        ...signedAs(signer)
      }
      const next = answers.get(hub)?.find(({ left }) => left > 0)
      if (next !== undefined) next.left--
      const answer = await (next?.answer(receipt) ?? receipt)
      if (answer instanceof OapError) throw answer
      return { receipt: formatSigned(signStatement(DIRECTED_RECEIPT, signer.secretKey.key, answer)) }
    }
    return { client: () => ({ deliver }) } as unknown as ConnectionCaller
  }
  const outboxNow = (): Outbox =>
    new Outbox({
      mailbox: () => box.mailbox,
      treatyOf: () => treaty,
      callerOf: hub => (isLinked ? callerOf(hub) : undefined),
      bookOf: hub => (hub === there.hub ? there.book : silent.book),
      seconds: nowS,
      steadyMs: () => box.time.steadyMs,
      random: () => 0,
      attempted: () => undefined,
      noReceipt: (_hub, why) => void noReceipts.push(why),
      log: { info: () => undefined, warn: () => undefined, debug: () => undefined } as never
    })
  let outbox = outboxNow()
  const settle = async (): Promise<void> => {
    for (let n = 0; n < 400; n++) await new Promise(done => setImmediate(done))
  }
  return {
    noReceipts,
    get outbox() {
      return outbox
    },
    answer: (hub: string, answer: Answer, left = Infinity) =>
      void answers.set(hub, [...(answers.get(hub) ?? []), { answer, left }]),
    link: (is: boolean) => void (isLinked = is),
    send: (body: string, more: object = {}) =>
      box.send(body, { tenant: TENANT, topic: TOPIC, to: { hub: there.hub, share: SHARE.id }, ...more }),
    sent: (hub: string) => sent.filter(one => one.hub === hub).map(({ line }) => line),
    bodies: (hub: string) => sent.filter(one => one.hub === hub).map(({ body }) => body),
    pass: async (ms: number) => {
      await box.pass(ms)
      outbox.tick()
      await settle()
      outbox.tick()
      await settle()
    },
    restart: async () => {
      await box.restart()
      outbox = outboxNow()
    },
    /** Each commit from now on. */
    commits: () => {
      const commits: Parameters<typeof box.store.commit>[0][] = []
      const commit = box.store.commit.bind(box.store)
      box.store.commit = changes => {
        commits.push(changes)
        return commit(changes)
      }
      return commits
    },
    /** The state of each receipt or bounce, with its reason. */
    replies: async () => {
      const taken = await box.take(10, { topic: { tenant: TENANT, topic: REPLIES } })
      return taken.map(one => {
        const { state, reason } = JSON.parse(bodyOf(one)).statement
        return [state, reason].filter(Boolean).join(' ')
      })
    }
  }
}
