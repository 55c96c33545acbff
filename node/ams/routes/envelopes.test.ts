import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { describe, test } from 'node:test'
import { digestOf } from '../envelope.ts'
import type { Immutable } from '../envelope.ts'
import { proofBy, verifyProofs } from '../proofs.ts'
import { recordHash } from '../status.ts'
import { NOW, note, surface } from './routes.fixture.ts'

const keyPair = () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)
  return { secretKey: privateKey, publicKey: raw.toString('hex') }
}

void describe('a posted envelope', () => {
  void test('is answered with what never changes, its digest, and where it stands', async () => {
    const { ask, told } = await surface()

    const answer = await ask('POST', '/ams/v1/envelopes', { role: 'write', body: note({ meta: { a: 1 } }) })

    assert.equal(answer.statusCode, 201)
    const { ok, envelope } = answer.json()
    const { sha256, status, meta, proofs, updated_at, record, ...rest } = envelope
    const immutable = rest as Immutable
    assert.deepEqual([ok, status, meta, proofs, updated_at], [true, 'accepted', { a: 1 }, [], NOW])
    assert.match(immutable.id, /^env_[0-9A-Z]{26}$/)
    assert.deepEqual(immutable, { ...note(), id: immutable.id, created_at: NOW })
    assert.equal(sha256, digestOf(immutable))
    const { hash, ...chained } = record
    assert.equal(hash, recordHash({ ...chained, envelope: sha256, status, meta }))
    assert.deepEqual([record.n, record.by], [1, 'hub'])
    assert.deepEqual(
      told.map(({ type, by, data }) => [type, by, data['status'], data['sha256']]),
      [
        ['ams.envelope.created', 'write-token', 'queued', sha256],
        ['ams.envelope.updated', 'hub', 'accepted', sha256]
      ]
    )
  })

  void test('is answered with 200 again, judged once and told once, and another of its id with 409', async () => {
    const { ask, told, judged } = await surface()
    const body = note({ id: 'e1', created_at: NOW })

    const first = await ask('POST', '/ams/v1/envelopes', { body })
    const again = await ask('POST', '/ams/v1/envelopes', { body })
    const partly = await ask('POST', '/ams/v1/envelopes', { body: note({ id: 'e1' }) })
    const other = await ask('POST', '/ams/v1/envelopes', { body: note({ id: 'e1', to: 'eve' }) })

    assert.deepEqual([first.statusCode, again.statusCode, partly.statusCode], [201, 200, 200])
    assert.deepEqual(again.json(), first.json())
    assert.deepEqual([other.statusCode, other.json().error], [409, 'conflict'])
    assert.deepEqual([told.length, judged.length], [2, 1])
  })

  void test('again is answered once the audit log has the first, which it may have failed for', async () => {
    let isFailing = true
    const { ask, told } = await surface({
      tell: async () => (isFailing ? Promise.reject(new Error('the log is full')) : undefined)
    })
    const ways = [
      ['/ams/v1/envelopes', note({ id: 'e1' })],
      ['/ams/v1/submit', note({ id: 'e2' })],
      ['/room/v1/messages?room=a', { id: 'm1', body: {} }],
      ['/notary/v1/records', { id: 'r1', sha256: 'ab'.repeat(32) }]
    ] as const
    const post = async () => {
      const answers = []
      for (const [url, body] of ways) answers.push((await ask('POST', url, { body })).statusCode)
      return answers
    }

    const whileFailing = [await post(), await post()]
    isFailing = false
    const after = await post()

    assert.deepEqual(whileFailing, [Array(4).fill(500), Array(4).fill(500)])
    assert.deepEqual(after, [200, 202, 200, 200])
    assert.deepEqual(
      told.map(({ data: { id } }) => id),
      ['e1', 'e1', 'e2', 'm1', 'r1']
    )
  })

  void test('of many callers at once under one id is new once', async () => {
    const { ask } = await surface()

    const answers = await Promise.all(
      Array.from({ length: 20 }, () => ask('POST', '/ams/v1/envelopes', { body: note({ id: 'e1' }) }))
    )

    const count = (status: number): number => answers.filter(({ statusCode }) => statusCode === status).length
    assert.deepEqual([count(201), count(200)], [1, 19])
  })

  void test('stands where the policy puts it, with the reasons in the chain', async () => {
    const reasons = ['sender_unknown', 'x'.repeat(1000)]
    const { ask } = await surface({ posting: { judge: () => ({ status: 'quarantined', reasons }) } })

    const { envelope } = (await ask('POST', '/ams/v1/envelopes', { body: note({ meta: { a: 1 } }) })).json()

    assert.equal(envelope.status, 'quarantined')
    assert.deepEqual(envelope.meta, { a: 1, policy: { reasons: ['sender_unknown', 'x'.repeat(256)] } })
    const listed = (await ask('GET', '/ams/v1/envelopes?status=quarantined')).json()
    assert.deepEqual(listed.items, [envelope])
    assert.deepEqual((await ask('GET', '/ams/v1/envelopes?status=queued')).json().items, [])
  })

  void test('gets the proof of the hub over what is stored, beside its own', async () => {
    const [client, hub] = [keyPair(), keyPair()]
    const { ask } = await surface({ posting: { prove: async envelope => proofBy(hub, envelope) } })
    const immutable = {
      id: 'e1',
      created_at: NOW,
      type: 'note',
      thread: 't_a',
      from: 'a',
      to: 'b',
      payload: {}
    }

    const answer = await ask('POST', '/ams/v1/envelopes', {
      body: { ...immutable, proofs: [proofBy(client, immutable)] }
    })

    const { proofs } = answer.json().envelope
    assert.deepEqual(
      proofs.map(({ key, server }: { key: string; server?: true }) => [key, server]),
      [
        [client.publicKey, undefined],
        [hub.publicKey, true]
      ]
    )
    verifyProofs(immutable, proofs, new Map())
  })

  const wrong: readonly (readonly [what: string, body: object, code: string])[] = [
    ['without a thread', { type: 'note' }, 'missing_member'],
    ['with a payload that is a list', note({ payload: [] }), 'bad_form'],
    ['that decides of itself', note({ status: 'accepted' }), 'bad_transition'],
    [
      'with proofs and no id',
      note({ proofs: [proofBy(keyPair(), { id: 'e', created_at: NOW, type: 'n' })] }),
      'proof_incomplete'
    ],
    [
      'with a proof over something else',
      note({
        id: 'e1',
        created_at: NOW,
        proofs: [proofBy(keyPair(), { id: 'e', created_at: NOW, type: 'n' })]
      }),
      'bad_proof'
    ]
  ]
  for (const [what, body, code] of wrong)
    void test(`${what} is refused as ${code}, and nothing is stored`, async () => {
      const { ask, told, problems } = await surface()

      const answer = await ask('POST', '/ams/v1/envelopes', { body })

      assert.deepEqual(
        [answer.statusCode, answer.json().ok, answer.json().error, answer.json().request_id],
        [code === 'bad_transition' ? 409 : 400, false, code, 'req-1']
      )
      assert.deepEqual([told, problems], [[], [code]])
      assert.deepEqual((await ask('GET', '/ams/v1/envelopes')).json(), {
        ok: true,
        items: [],
        nextCursor: null
      })
    })

  void test('without a proof is refused where proofs are demanded', async () => {
    const { ask } = await surface({ posting: { isProofDemanded: true } })

    assert.equal((await ask('POST', '/ams/v1/envelopes', { body: note() })).json().error, 'no_proof')
  })

  void test('is taken by a lenient hub, which says what strict would refuse', async () => {
    const loose: unknown[] = []
    const { ask } = await surface({
      posting: { validation: 'lenient', onLoose: ({ id, problem }) => void loose.push([id, problem]) }
    })

    const answer = await ask('POST', '/ams/v1/envelopes', { body: { type: 'note', more: 1 } })

    assert.equal(answer.statusCode, 201)
    assert.deepEqual(loose, [[answer.json().envelope.id, 'thread: missing']])
  })
})

void describe('an envelope', () => {
  void test('is there by its id, however long that is, and a strange id is not', async () => {
    const { ask } = await surface()
    const id = `a:b.c_d-${'x'.repeat(120)}`
    const { envelope } = (await ask('POST', '/ams/v1/envelopes', { body: note({ id }) })).json()

    assert.deepEqual((await ask('GET', `/ams/v1/envelopes/${id}`)).json(), { ok: true, envelope })
    assert.deepEqual((await ask('GET', `/ams/v1/envelopes/${encodeURIComponent(id)}`)).json().ok, true)
    for (const other of ['e2', 'a%2Fb', 'a/b', '%00', '..%2f..%2fetc', 'x'.repeat(4000), '__proto__'])
      assert.equal((await ask('GET', `/ams/v1/envelopes/${other}`)).statusCode, 404, other)
  })

  void test('changes its status by the rules, and what stands beside it, and nothing else', async () => {
    const { ask } = await surface()
    await ask('POST', '/ams/v1/envelopes', { body: note({ id: 'e1' }) })
    const change = async (body: object, isModerator = false) => {
      const answer = await ask('PATCH', '/ams/v1/envelopes/e1', { role: 'write', body, isModerator })
      const { error, envelope } = answer.json()
      return [answer.statusCode, error ?? [envelope.status, envelope.meta, envelope.record.n]]
    }

    assert.deepEqual(await change({ meta: { seen: true } }), [200, ['accepted', { seen: true }, 2]])
    assert.deepEqual(await change({ status: 'rejected' }), [409, 'bad_transition'])
    assert.deepEqual(await change({ status: 'archived' }), [200, ['archived', { seen: true }, 3]])
    assert.deepEqual(await change({ status: 'archived' }), [200, ['archived', { seen: true }, 3]])
    assert.deepEqual(await change({ payload: {} }), [400, 'unknown_member'])
    assert.deepEqual(await change({ status: 'gone' }), [400, 'bad_form'])
    assert.deepEqual(await change({}), [400, 'missing_member'])
    assert.deepEqual(await change({ meta: { a: 'x'.repeat(20_000) } }), [400, 'too_long'])
    assert.equal((await ask('PATCH', '/ams/v1/envelopes/e2', { body: { meta: {} } })).statusCode, 404)
  })

  void test('in quarantine is released by a moderator alone', async () => {
    const { ask } = await surface({ posting: { judge: () => ({ status: 'quarantined', reasons: [] }) } })
    await ask('POST', '/ams/v1/envelopes', { body: note({ id: 'e1' }) })
    const body = { status: 'accepted' }

    const writer = await ask('PATCH', '/ams/v1/envelopes/e1', { role: 'write', body })
    const moderator = await ask('PATCH', '/ams/v1/envelopes/e1', { role: 'admin', body, isModerator: true })

    assert.deepEqual([writer.statusCode, moderator.statusCode], [409, 200])
  })
})

void describe('a list of envelopes', () => {
  void test('comes by pages in both directions, each envelope once', async () => {
    const { ask } = await surface()
    for (let n = 1; n <= 5; n++) await ask('POST', '/ams/v1/envelopes', { body: note({ id: `e${n}` }) })
    const paged = async (dir: string): Promise<[pages: string[][], cursor: string | null]> => {
      const pages: string[][] = []
      let cursor: string | null = null
      do {
        const page = await ask(
          'GET',
          `/ams/v1/envelopes?limit=2&dir=${dir}${cursor === null ? '' : `&cursor=${cursor}`}`
        )
        const listed: { items: { id: string }[]; nextCursor: string | null } = page.json()
        pages.push(listed.items.map(({ id }) => id))
        cursor = listed.nextCursor
      } while (cursor !== null && pages.at(-1)!.length > 0)
      return [pages, cursor]
    }

    assert.deepEqual(await paged('desc'), [[['e5', 'e4'], ['e3', 'e2'], ['e1']], null])
    const [pages, cursor] = await paged('asc')
    assert.deepEqual(pages, [['e1', 'e2'], ['e3', 'e4'], ['e5'], []])
    await ask('POST', '/ams/v1/envelopes', { body: note({ id: 'e6' }) })
    const { items } = (await ask('GET', `/ams/v1/envelopes?dir=asc&cursor=${cursor}`)).json()
    assert.deepEqual(
      items.map(({ id }: { id: string }) => id),
      ['e6']
    )
  })

  void test('holds what its filters name', async () => {
    const { ask } = await surface()
    await ask('POST', '/ams/v1/envelopes', { body: note({ id: 'e1' }) })
    await ask('POST', '/ams/v1/envelopes', { body: note({ id: 'e2', from: 'agent:é' }) })
    const ids = async (filter: string): Promise<string[]> =>
      (await ask('GET', `/ams/v1/envelopes?${filter}`)).json().items.map(({ id }: { id: string }) => id)

    assert.deepEqual(await ids('thread=t_a'), ['e2', 'e1'])
    assert.deepEqual(await ids(`from=${encodeURIComponent('agent:é')}`), ['e2'])
    assert.deepEqual(await ids('to=bob&from=ann'), ['e1'])
    assert.deepEqual(await ids('thread=t_b'), [])
  })

  void test('ends a page early where envelopes are long', async () => {
    const { ask } = await surface()
    const payload = { text: 'x'.repeat(125_000) }
    for (let n = 1; n <= 10; n++)
      await ask('POST', '/ams/v1/envelopes', { body: note({ id: `e${n}`, payload }) })

    const { items, nextCursor } = (await ask('GET', '/ams/v1/envelopes')).json()

    assert.equal(items.length, 9)
    const rest = (await ask('GET', `/ams/v1/envelopes?cursor=${nextCursor}`)).json()
    assert.deepEqual([rest.items.length, rest.nextCursor], [1, null])
  })
})

void test('threads come with what changed last first, by pages', async () => {
  const { ask } = await surface()
  for (const thread of ['t_a', 't_b', 't_c', 't_a'])
    await ask('POST', '/ams/v1/envelopes', { body: note({ thread }) })

  const first = (await ask('GET', '/ams/v1/threads?limit=2')).json()
  const second = (await ask('GET', `/ams/v1/threads?limit=2&cursor=${first.nextCursor}`)).json()

  assert.deepEqual(
    [...first.items, ...second.items].map(({ thread, count }) => [thread, count]),
    [
      ['t_a', 2],
      ['t_c', 1],
      ['t_b', 1]
    ]
  )
  assert.equal(second.nextCursor, null)
  assert.deepEqual(first.items[0], {
    thread: 't_a',
    updated_at: NOW,
    created_at: NOW,
    count: 2,
    last_type: 'note',
    last_from: 'ann',
    last_to: 'bob',
    statuses: { accepted: 2 }
  })
})
