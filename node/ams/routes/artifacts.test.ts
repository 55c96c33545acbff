import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { NOW, surface } from './routes.fixture.ts'

const sha256 = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex')

/** A stream closes right after the end of the answer. */
const letGo = async (blobs: { readonly readers: number }): Promise<void> => {
  while (blobs.readers > 0) await new Promise(resolve => void setImmediate(resolve))
}

void describe('an artifact', () => {
  void test('is kept byte by byte, whatever its type, and given back as text or bytes for nobody to run', async () => {
    const { ask, told, blobs } = await surface()
    const cases: readonly (readonly [type: string, bytes: Buffer, served: string])[] = [
      ['image/png', randomBytes(70_000), 'application/octet-stream'],
      ['text/html; charset=utf-8', Buffer.from('<script>alert(1)</script>'), 'text/plain; charset=utf-8'],
      ['image/svg+xml', Buffer.from('<svg onload="x()"/>'), 'application/octet-stream'],
      ['application/json', Buffer.from('{"a": 1.50}\r\n'), 'text/plain; charset=utf-8'],
      ['application/x-unknown', Buffer.alloc(0), 'application/octet-stream']
    ]
    for (const [n, [type, bytes, served]] of cases.entries()) {
      const url = `/ams/v1/artifacts/a${n}`

      const put = await ask('PUT', url, { role: 'write', body: bytes, headers: { 'content-type': type } })
      const known = await ask('GET', url)
      const got = await ask('GET', `${url}?payload=1`)

      const { artifact } = put.json()
      assert.deepEqual([put.statusCode, known.json()], [201, { ok: true, artifact }])
      assert.deepEqual(artifact, {
        key: `a${n}`,
        sha256: sha256(bytes),
        bytes: bytes.length,
        content_type: type,
        note: '',
        content_id: artifact.content_id,
        created_at: NOW,
        updated_at: NOW,
        by: 'write-token'
      })
      assert.equal(got.statusCode, 200)
      assert.ok(got.rawPayload.equals(bytes))
      const { headers } = got
      assert.deepEqual(
        [headers['content-type'], headers['content-length'], headers['x-artifact-type'], headers['etag']],
        [served, String(bytes.length), type, `"${sha256(bytes)}"`]
      )
      assert.deepEqual(
        [
          headers['content-disposition'],
          headers['content-security-policy'],
          headers['x-content-type-options']
        ],
        ['attachment', "default-src 'none'; sandbox", 'nosniff']
      )
    }
    await letGo(blobs)
    assert.equal(blobs.readers, 0)
    assert.deepEqual(told[0], {
      type: 'artifact.upserted',
      by: 'write-token',
      data: { key: 'a0', sha256: sha256(cases[0]![1]), bytes: 70_000, content_type: 'image/png' }
    })
  })

  void test('put again is the new one with 200, the same one changes nothing, and the old bytes are let go of', async () => {
    const { ask, told, blobs } = await surface()
    const put = async (body: string) => await ask('PUT', '/ams/v1/artifacts/a', { body })

    const statuses = [await put('1'), await put('1'), await put('2')].map(({ statusCode }) => statusCode)

    assert.deepEqual(statuses, [201, 200, 200])
    assert.deepEqual([told.length, blobs.held.size], [2, 1])
    assert.equal((await ask('GET', '/ams/v1/artifacts/a?payload=1')).body, '2')
  })

  void test('is not sent again to who has it', async () => {
    const { ask, blobs } = await surface()
    const { artifact } = (await ask('PUT', '/ams/v1/artifacts/a', { body: '1' })).json()
    const status = async (etag: string): Promise<[number, string]> => {
      const answer = await ask('GET', '/ams/v1/artifacts/a?payload=1', { headers: { 'if-none-match': etag } })
      return [answer.statusCode, answer.body]
    }

    assert.deepEqual(await status(`"x", W/"${artifact.sha256}"`), [304, ''])
    assert.deepEqual(await status('*'), [304, ''])
    assert.deepEqual(await status('"x"'), [200, '1'])
    await letGo(blobs)
    assert.equal(blobs.readers, 0)
  })

  void test('comes as text, as base64 or as JSON in JSON, too', async () => {
    const { ask } = await surface()
    const cases: readonly (readonly [body: object, bytes: string, type: string])[] = [
      [{ key: 'k1', payload: 'hé' }, 'hé', 'text/plain; charset=utf-8'],
      [{ key: 'k2', payload: { b: 1, a: [null] } }, '{"a":[null],"b":1}', 'application/json'],
      [{ key: 'k3', payload_b64: 'AAEC', note: 'three' }, '\0\x01\x02', 'application/octet-stream'],
      [{ key: 'k4', payload: 'x,y', content_type: 'text/csv', note: '' }, 'x,y', 'text/csv']
    ]
    for (const [body, bytes, type] of cases) {
      const answer = await ask('POST', '/ams/v1/artifacts', { role: 'write', body })

      const { artifact } = answer.json()
      assert.deepEqual([answer.statusCode, artifact.content_type], [201, type])
      assert.equal((await ask('GET', `/ams/v1/artifacts/${artifact.key}?payload=1`)).body, bytes)
    }
    const { artifact } = (await ask('POST', '/ams/v1/artifacts', { body: { payload: '' } })).json()
    assert.match(artifact.key, /^art_[0-9A-Z]{26}$/)
  })

  for (const [what, body, error] of [
    ['without bytes', { key: 'a' }, 'missing_member'],
    ['with bytes twice', { payload: '', payload_b64: '' }, 'missing_member'],
    ['with base64 that is none', { payload_b64: 'AA' }, 'bad_form'],
    ['with a type that is none', { payload: '', content_type: 'text\r\nx: y' }, 'bad_form'],
    ['with a key of no form', { payload: '', key: '../a' }, 'bad_form'],
    ['with a member of no name', { payload: '', sha256: 'a' }, 'unknown_member']
  ] as const)
    void test(`${what} is refused as ${error}`, async () => {
      const { ask, told, blobs } = await surface()

      const answer = await ask('POST', '/ams/v1/artifacts', { body })

      assert.deepEqual([answer.statusCode, answer.json().error, told, blobs.held.size], [400, error, [], 0])
    })

  void test('has a key that can stand in a path, and a type that is one', async () => {
    const { ask } = await surface()
    const put = async (key: string, type = 'text/plain'): Promise<number> =>
      (await ask('PUT', `/ams/v1/artifacts/${key}`, { body: 'x', headers: { 'content-type': type } }))
        .statusCode

    assert.deepEqual([await put('x'.repeat(200)), await put('a:b@c.d')], [201, 201])
    for (const key of ['x'.repeat(201), 'a%2Fb', '%00', 'a/b', '.a']) assert.equal(await put(key), 400, key)
    for (const key of ['x'.repeat(201), 'a%2Fb', 'nothing', '__proto__'])
      assert.equal((await ask('GET', `/ams/v1/artifacts/${key}`)).statusCode, 404, key)
    assert.equal(await put('a', `text/${'x'.repeat(200)}`), 400)
    assert.equal(await put('a', 'text'), 415)
  })

  void test('whose bytes are gone is 500, and the operator is told', async () => {
    const { ask, blobs, errors } = await surface()
    await ask('PUT', '/ams/v1/artifacts/a', { body: 'x' })
    blobs.held.clear()

    const answer = await ask('GET', '/ams/v1/artifacts/a?payload=1')

    assert.deepEqual([answer.statusCode, answer.json().error, errors.length], [500, 'internal', 1])
  })
})

void test('artifacts are listed by pages, the one that changed last first, each without its bytes', async () => {
  const { ask } = await surface()
  for (const [key, body] of [
    ['a', '1'],
    ['b', '2'],
    ['c', '3'],
    ['a', '4']
  ] as const)
    await ask('PUT', `/ams/v1/artifacts/${key}`, { body })

  const first = (await ask('GET', '/ams/v1/artifacts?limit=2')).json()
  const second = (await ask('GET', `/ams/v1/artifacts?limit=2&cursor=${first.nextCursor}`)).json()

  const keys = ({ items }: { items: { key: string }[] }): string[] => items.map(({ key }) => key)
  assert.deepEqual([keys(first), keys(second), second.nextCursor], [['a', 'c'], ['b'], null])
  assert.ok(first.items.every((item: object) => !('update' in item) && !('payload' in item)))
})
