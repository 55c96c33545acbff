import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { describe, test } from 'node:test'
import { publicBytes } from '../../../federation/index.ts'
import { openLevel } from '../../stores/level.ts'
import { EnvelopeStore } from '../../stores/ams/index.ts'
import { digestOf } from '../envelope.ts'
import { readObject } from '../routes/body.ts'
import type { Verdict } from '../posting.ts'
import { proofBy } from '../proofs.ts'
import { readEnvelope } from '../read-envelope.ts'
import { EnvelopeRefusal } from '../refusal.ts'
import { readShared, sharedBody, topicOfThread } from './shared-envelope.ts'
import { refusalName, takeShared } from './take-shared.ts'
import type { ThreadMessage } from './take-shared.ts'
import { ThreadOutbox } from './thread-outbox.ts'

const HUB = 'h1aoqqpp7tzyil4hlq3umoos6atft6jvrqtosq2xy53sdgiesvgg4a'
const NOW_MS = Date.UTC(2026, 0, 2)
const RULES = {
  validation: 'standard',
  isProofDemanded: false,
  onLoose: () => undefined,
  accepted: (): Verdict => ({ status: 'accepted', reasons: ['known_type'] })
} as const
const envelope = (more: object = {}) => ({
  id: 'e1',
  created_at: '2026-01-02T03:04:05.678Z',
  type: 'note',
  thread: 't_a',
  from: 'ann',
  to: 'bob',
  payload: { text: 'hello' },
  ...more
})
const shared = (more: object = {}, proofs: Parameters<typeof sharedBody>[0]['proofs'] = []): Buffer => {
  const immutable = envelope(more)
  return sharedBody({ immutable, sha256: digestOf(immutable), proofs })
}
const message = (body: Uint8Array, more: Partial<ThreadMessage> = {}): ThreadMessage => ({
  hub: HUB,
  share: 'ab'.repeat(16),
  number: 1,
  topic: 'ams/t_a',
  body,
  isClosed: false,
  trace: undefined,
  ...more
})

/** What the store of a hub has, and what its audit log was told, over what other hubs send. */
async function hub(rules: object = {}, goesOut = true) {
  const told: string[] = []
  const store = await EnvelopeStore.open(await openLevel('memory'), {
    tell: async ({ record: { by, status } }) => void told.push(`${by} ${status}`),
    onCorrupt: key => assert.fail(key),
    goesOut: () => goesOut
  })
  const take = (sent: ThreadMessage) => takeShared(sent, store, { ...RULES, ...rules }, NOW_MS)
  return { store, told, take }
}

describe('an envelope of another hub', () => {
  test('is kept with the same id and digest, accepted, once, and goes to no other hub', async () => {
    const { store, told, take } = await hub()

    const first = await take(message(shared()))
    const again = await take(message(shared(), { number: 2 }))

    const { stored } = first
    assert.deepEqual([first.isNew, again.isNew], [true, false])
    assert.deepEqual([stored.immutable.id, stored.sha256], ['e1', digestOf(envelope())])
    assert.deepEqual(
      [stored.origin, stored.latest.status, stored.latest.meta],
      [HUB, 'accepted', { policy: { reasons: ['known_type'] } }]
    )
    assert.deepEqual(told, [`hub:${HUB} queued`, 'hub accepted'])
    assert.deepEqual(await store.leaving(0, 10), [])
  })

  test('has its proofs verified, those of secrets left out', async () => {
    const { privateKey } = generateKeyPairSync('ed25519')
    const key = Buffer.from(publicBytes(privateKey)).toString('hex')
    const proof = proofBy({ secretKey: privateKey, publicKey: key }, envelope())
    const secret = { alg: 'HMAC-SHA256', key: 'k', sig: Buffer.alloc(32).toString('base64') } as const
    const { take } = await hub({ isProofDemanded: true })

    const { stored } = await take(message(shared({}, [{ ...proof, server: true }, secret])))

    assert.deepEqual(stored.proofs, [proof])
    const forged = shared({ id: 'e2' }, [proof])
    await assert.rejects(take(message(forged)), { code: 'bad_proof' })
    await assert.rejects(take(message(shared({ id: 'e3' }))), { code: 'no_proof' })
  })

  test('can have the proof of its hub beside as many as may be posted', async () => {
    const proofs = Array.from({ length: 10 }, () => {
      const { privateKey } = generateKeyPairSync('ed25519')
      const key = Buffer.from(publicBytes(privateKey)).toString('hex')
      return proofBy({ secretKey: privateKey, publicKey: key }, envelope())
    })
    const { take } = await hub({ prove: async () => proofs[9]! })

    await assert.rejects(take(message(shared({}, proofs))), { code: 'bad_form' })
    const { stored } = await take(message(shared({}, proofs.slice(0, 9))))

    assert.deepEqual(stored.proofs, [...proofs.slice(0, 9), { ...proofs[9], server: true }])
    assert.throws(() => readEnvelope({ ...envelope(), proofs: proofs.slice(0, 9) } as never, 'standard'), {
      code: 'bad_form'
    })
  })

  const text = shared().toString()
  const refused: Readonly<Record<string, readonly [ThreadMessage, RegExp]>> = {
    'that was changed': [message(Buffer.from(text.replace('hello', 'HELLO'))), /^sha256: .* changed it$/],
    'of another thread': [message(shared({ thread: 't_b' })), /^envelope\.thread: another/],
    'without id': [message(shared({ id: undefined })), /^envelope\.id: missing$/],
    'without time': [message(shared({ created_at: undefined })), /^envelope\.created_at: missing$/],
    'with what may change': [message(Buffer.from(text.replace('"from"', '"a":1,"from"'))), /^envelope: /],
    'with more beside it': [
      message(Buffer.from(text.replace('"proofs"', '"p":1,"proofs"'))),
      /^body: not an/
    ],
    'that is no JSON': [message(Buffer.from('no')), /^body: /],
    'that is a list': [message(Buffer.from('[]')), /^body: /],
    'that is too long': [message(Buffer.alloc(600_000, ' ')), /^body: longer than/],
    'that is sealed': [message(shared(), { isClosed: true }), /^body: packed or sealed/],
    'without receiver': [message(shared({ to: undefined })), /^to: missing$/],
    'of a blocked sender': [message(shared({ from: 'bad' })), /^from: /]
  }
  for (const [name, [sent, problem]] of Object.entries(refused)) {
    test(`${name} is refused, named, and nothing is kept`, async () => {
      const { told, take } = await hub({ isBlocked: (from: string) => from === 'bad' })

      const error = await take(sent).catch((error: unknown) => error)

      assert.ok(error instanceof EnvelopeRefusal, String(error))
      assert.match(error.message, problem)
      assert.equal(refusalName(error), 'envelope')
      assert.deepEqual(told, [])
    })
  }

  test('whose id is that of another here is a conflict, and what was here first stays', async () => {
    const { store, take } = await hub()
    const { stored } = await take(message(shared()))

    for (const more of [{ payload: { text: 'other' } }, { payload: {}, from: undefined }]) {
      const error = await takeShared(
        message(shared(more)),
        store,
        { ...RULES, validation: 'lenient' },
        NOW_MS
      ).catch((error: unknown) => error)
      assert.ok(error instanceof EnvelopeRefusal, String(error))
      assert.equal(refusalName(error), 'envelope_conflict')
    }

    assert.equal((await store.get('e1'))?.sha256, stored.sha256)
  })
})

test('an envelope goes out in one step with its acceptance, whenever that is, and once', async () => {
  const { store } = await hub()
  const immutable = envelope()
  const at = '2026-01-02T03:04:05.678Z'
  const posted = {
    immutable,
    sha256: digestOf(immutable),
    proofs: [],
    status: 'queued',
    meta: {},
    at
  } as const
  await store.create({ ...posted, by: 'ann', trace: 'of the post' })
  assert.deepEqual(await store.leaving(0, 10), [])

  await store.change('e1', { status: 'accepted', at, by: 'bob' }, { trace: 'of the change' })
  await store.change('e1', { meta: { a: 1 }, at, by: 'bob' })
  await store.change('e1', { status: 'archived', at, by: 'bob' })

  const leaving = await store.leaving(0, 10)
  assert.deepEqual(
    leaving.map(({ place, trace }) => [place, trace]),
    [[1, 'of the change']]
  )
  await store.stays(leaving[0]!)
  assert.deepEqual(await store.leaving(0, 10), [])
})

test('a thread whose name is none of a topic stays here', () => {
  assert.equal(topicOfThread('t_a'), 'ams/t_a')
  for (const thread of [undefined, '', 'a b', 'ä', '/a', 'a//b', 'x'.repeat(256)])
    assert.equal(topicOfThread(thread), undefined, String(thread))
})

test('what is read is what was sent', () => {
  const { value, sha256 } = readShared('ams/t_a', shared())
  assert.deepEqual([value, sha256], [envelope(), digestOf(envelope())])
})

test('what is as deep, or has as many values, as may be posted is read', () => {
  // The envelope is the first level, the payload the second.
  let deep: unknown = 1
  for (let level = 2; level < 16; level++) deep = [deep]
  const many = Array.from({ length: 131_072 - 7 }, () => 1)

  for (const payload of [{ deep }, { many: many.slice(1) }]) {
    const posted = Buffer.from(JSON.stringify(envelope({ payload })))
    assert.ok(readObject(posted))
    assert.deepEqual(readShared('ams/t_a', shared({ payload })).value, envelope({ payload }))
  }
  assert.throws(() => readObject(Buffer.from(JSON.stringify(envelope({ payload: { deep: [deep] } })))))
  const deeper = { payload: { deep: [deep] } }
  assert.throws(() => readShared('ams/t_a', shared(deeper)), { code: 'bad_form' })
})

test('what is redacted goes out no more, also where it was read to be sent before', async () => {
  const { store } = await hub()
  const at = '2026-01-02T03:04:05.678Z'
  for (const id of ['e1', 'e2', 'e3']) {
    const immutable = envelope({ id })
    const said = {
      sha256: digestOf(immutable),
      proofs: [],
      status: 'accepted',
      meta: {},
      at,
      by: 'ann'
    } as const
    await store.create({ immutable, ...said })
  }
  const redact = (id: string) => store.redact(id, { meta: {}, at, by: 'olga' })
  await redact('e1')
  const [reached, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const over = Promise.withResolvers<void>()
  const sent: string[] = []
  const outbox = new ThreadOutbox({
    envelopes: () => store,
    async send({ body, isWithdrawn }) {
      reached.resolve()
      await goOn.promise
      if (isWithdrawn()) return false
      sent.push(JSON.parse(Buffer.from(body).toString()).envelope.id)
      return true
    },
    sent: () => over.resolve(),
    failed: error => over.reject(error),
    after: () => undefined
  })

  outbox.kick()
  await reached.promise
  await redact('e2')
  goOn.resolve()
  await over.promise
  await outbox.stop()

  assert.deepEqual(sent, ['e3'])
  assert.deepEqual(
    (await store.leaving(0, 10)).map(({ place }) => place),
    [3]
  )
})
