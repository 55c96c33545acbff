import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { OapError, mailboxService } from '../../protocols/index.ts'
import { connect } from '../../sdk/index.ts'
import { addToken, removeToken } from '../ams/access/token-file.ts'
import { dataFolderPaths } from '../data-folder.ts'
import { ADMIN, WRITE, httpNode, sentEvents } from './http-node.fixture.ts'
import type { Asking, HttpNode } from './http-node.fixture.ts'

const BY = { actor: 'local' } as const
const hub = await httpNode({ after: run => after(run) }, { 'gateway.write_mode': 'token' })
const send = (asking: Asking, topic = 'a', node: Pick<HttpNode, 'post'> = hub) =>
  node.post('send', { topic, body: 'x' }, asking)

test('a capability is good for what it allows, and for nothing else', async () => {
  const token = await hub.mint('mailbox:send', { topic: 'mine/*' })
  const readOnly = await hub.mint('mailbox:send,mailbox:stats', { read_only: true })
  const short = await hub.mint('mailbox:send', { max_bytes: 400 })
  const told = async (op: string, topic: string, by: string, body = 'x') => {
    const { status, json, headers } = await hub.post(op, op === 'send' ? { topic, body } : { topic }, {
      token: by
    })
    return [status, json.error, headers.get('www-authenticate')]
  }
  const tooLittle = 'Bearer realm="ams", error="insufficient_scope"'

  assert.deepEqual(await told('send', 'mine/a', token), [200, undefined, null])
  assert.deepEqual(await told('send', 'other/a', token), [403, 'cap_denied', tooLittle])
  assert.deepEqual(await told('recv', 'mine/a', token), [403, 'cap_denied', tooLittle])
  assert.deepEqual(await told('send', 'a', readOnly), [403, 'cap_denied', tooLittle])
  assert.deepEqual(await told('stats', 'a', readOnly), [200, undefined, null])
  assert.deepEqual(await told('send', 'a', short, 'x'.repeat(300)), [200, undefined, null])
  assert.deepEqual(await told('send', 'a', short, 'x'.repeat(300)), [403, 'cap_denied', tooLittle])
})

test('a capability that is bound to a peer, was taken back or is none lets nobody in', async () => {
  const ofPeer = await hub.mint('mailbox:send', {
    peer: '12D3KooWGzxzKZYveHXtpG6AsrUJBcWxHBFS2HsEoGTxrMLvKXtf'
  })
  const { capId, token } = await hub.node
    .capabilities()
    .mint({ verb: 'mailbox:send', tenant: 'default', peer: 'http' }, BY)
  await hub.node.capabilities().revoke({ cap_id: capId }, undefined, BY)
  const revoked = Buffer.from(token).toString('base64url')

  const told = async (by: string) => {
    const { status, json, headers } = await send({ token: by })
    return [status, json.error, headers.get('www-authenticate')?.split('"')[3]]
  }

  assert.deepEqual(await told(ofPeer), [403, 'cap_denied', 'insufficient_scope'])
  assert.deepEqual(await told(revoked), [401, 'unauthorized', 'invalid_token'])
  assert.deepEqual(await told('nobody-gave-this-out'), [401, 'unauthorized', 'invalid_token'])
})

test('what one tenant keeps is nobody else’s, and cannot be told from what is not there', async () => {
  await hub.node.capabilities().addTenant({ name: 'apart' }, BY)
  const theirs = await hub.mint('mailbox:stats,mailbox:peek,mailbox:delete', { tenant: 'apart' })
  const { json } = await send({ token: WRITE }, 'secret')

  const stats = await hub.post('stats', { topic: 'secret' }, { token: theirs })
  const peeked = await hub.post('peek', { topic: 'secret' }, { token: theirs })
  const taken = await hub.post('delete', { topic: 'secret', msg_id: json['msg_id'] }, { token: theirs })

  assert.equal(stats.json['depth'], 0)
  assert.deepEqual(peeked.json.items, [])
  assert.deepEqual([taken.status, taken.json.error], [404, 'not_found'])
})

test('tokens act in the tenant of the gateway, by their role; without one nothing is done where writing needs one', async () => {
  const ours = await hub.mint('mailbox:stats')
  const topic = 'by/role'

  const sent = await send({ token: WRITE }, topic)
  const purged = await hub.post('dlq_purge', { topic }, { token: WRITE })
  const byAdmin = await hub.post('dlq_purge', { topic }, { token: ADMIN })
  const stats = await hub.post('stats', { topic }, { token: ours })
  const nobody = await send({}, topic)
  const peeking = await hub.post('peek', { topic })

  assert.deepEqual([sent.status, byAdmin.status, stats.json['depth']], [200, 200, 1])
  assert.deepEqual([purged.status, purged.json.error], [403, 'forbidden'])
  for (const { status, headers } of [nobody, peeking]) {
    assert.equal(status, 401)
    assert.match(headers.get('www-authenticate')!, /^Bearer/)
  }
})

test('an open hub lets whoever comes send, put and get, and do nothing else', async t => {
  const open = await httpNode(t)
  const blob = '/storage/v1/bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq'
  const topic = 'a'

  const sent = await send({}, topic, open)
  const batch = await open.post('send_batch', { topic, items: [{ body: 'y' }] })
  const put = await open.ask('PUT', blob, { body: 'hello' })
  const got = await open.ask('GET', blob)
  const others = Object.keys(mailboxService.operations).filter(op => !op.startsWith('send'))
  const refused = await Promise.all(
    others.map(async op => {
      const { status, json, headers } = await open.post(op, { topic })
      return [op, status, json.error, headers.get('www-authenticate')?.slice(0, 6)]
    })
  )
  const received = await open.post('recv', { topic, max: 10 }, { token: WRITE })

  assert.deepEqual([sent.status, batch.status, put.status, got.status], [200, 200, 201, 200])
  assert.equal(got.bytes.toString(), 'hello')
  assert.deepEqual(
    refused,
    others.map(op => [op, 401, 'unauthorized', 'Bearer'])
  )
  assert.ok(others.length >= 11)
  assert.equal(received.json.items!.length, 2)
})

test('what the operator opens to everybody needs no token, in an open hub as in a closed one', async t => {
  for (const mode of ['open', 'token']) {
    const opened = await httpNode(t, {
      'gateway.write_mode': mode,
      'capabilities.openVerbs': ['mailbox:stats']
    })

    const { status } = await opened.post('stats', { topic: 'a' })
    const { status: received } = await opened.post('recv', { topic: 'a' })

    assert.deepEqual([status, received], [200, 401], mode)
  }
})

test('a public sandbox lets nobody send without a token', async t => {
  const sandbox = await httpNode(t, { 'gateway.sandbox': 'public' })

  const { status, json } = await send({}, 'a', sandbox)

  assert.deepEqual([status, json.error], [401, 'cap_missing'])
})

test('a static token that is removed ends what is under way with it, and nothing else', async t => {
  const closed = await httpNode(t, { 'gateway.write_mode': 'token' })
  const path = join(dataFolderPaths(closed.data).keys, 'ams-tokens.json')
  const { text } = await addToken(path, 'bot', 'write')
  const { text: other } = await addToken(path, 'other', 'write')
  while ((await send({ token: other }, 'a', closed)).status !== 200) await turn()
  const subscribe = (token: string) =>
    fetch(`${closed.url}/mailbox/v1/subscribe`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ topic: `of/${token === text ? 'bot' : 'other'}` })
    })
  const events = sentEvents(await subscribe(text))
  const others = sentEvents(await subscribe(other))
  const waiting = closed.post('recv', { topic: 'none', wait_ms: 20_000 }, { token: text })

  await removeToken(path, 'bot')
  const { value } = await events.next()
  const { status, json } = await waiting
  await closed.post('send', { topic: 'of/other', body: 'x' }, { token: other })
  const { value: theirs } = await others.next()
  await others.return()

  assert.deepEqual([value?.event, value?.data['error']], ['error', 'unauthorized'])
  assert.deepEqual([status, json.error], [401, 'unauthorized'])
  assert.equal(theirs?.event, 'delivery')
})

test('a private hub shows nothing to whoever has no token', async t => {
  const closed = await httpNode(t, { 'gateway.private': true, 'gateway.write_mode': 'token' })

  const blob = await closed.ask(
    'GET',
    '/storage/v1/bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku'
  )

  assert.deepEqual([blob.status, blob.json.error], [401, 'unauthorized'])
})

for (const [one, another] of [
  ['AMS', 'OAP'],
  ['OAP', 'AMS']
] as const)
  test(`a capability that is spent over ${one} is spent over ${another}`, async t => {
    const other = await httpNode(t)
    const asking = {
      OAP: async (cap: string): Promise<string> => {
        await using oap = await connect(other.node.status().addresses[0]!, { cap })
        const told = oap.client(mailboxService).stats({ topic: 'a' })
        return await told.then(
          () => 'served',
          (error: unknown) => (error instanceof OapError ? error.code : String(error))
        )
      },
      AMS: async (token: string): Promise<string> => {
        const { status, json, headers } = await other.ask('GET', '/ams/v1/envelopes', { token })
        assert.equal(status === 429, headers.has('retry-after'))
        return status === 200 ? 'served' : json.error!
      }
    }

    for (let isSlow = true; isSlow;) {
      const token = await other.mint('ams:read,mailbox:stats', { bearer: true, rate: 1 })
      const at = performance.now()
      const ends = [await asking[one](token), await asking[another](token)]
      // After a second what was spent is there again.
      isSlow = ends[1] === 'served' && performance.now() - at >= 1000
      if (!isSlow) assert.deepEqual(ends, ['served', 'quota_capability'])
    }
    const metrics = (await other.ask('GET', '/metrics')).bytes.toString()
    assert.match(metrics, /^quota_exhaustions_total\{quota="capability"\} 1$/m)
    assert.match(
      metrics,
      new RegExp(`^http_refused_total\\{reason="quota_capability"\\} ${another === 'AMS' ? 1 : 0}$`, 'm')
    )
  })

test('what an operator lets a tenant ask for bounds AMS from then on, and says when to come again', async t => {
  const other = await httpNode(t)
  const ask = () => other.ask('GET', '/ams/v1/envelopes', { token: WRITE })
  const before = await Promise.all(Array.from({ length: 60 }, ask))
  await other.node.capabilities().limitTenant('default', { limits: { callsPerSecond: 1, burst: 30 } }, BY)

  const after = await Promise.all(Array.from({ length: 120 }, ask))
  const writes = await Promise.all(
    ['/ams/v1/envelopes', '/notary/v1/records', '/room/v1/messages'].map(path =>
      other.ask('POST', path, { token: WRITE, body: {} })
    )
  )
  const manifest = await other.ask('GET', '/ams/v1/policy', { token: WRITE })

  assert.ok(before.every(({ status }) => status === 200))
  const refused = after.filter(({ status }) => status === 429)
  // What came back meanwhile is one a second.
  assert.ok(refused.length > 30 && refused.length <= 90, `${refused.length} of 120 refused`)
  assert.equal(refused[0]!.json.error, 'quota_tenant')
  assert.match(refused[0]!.headers.get('retry-after')!, /^[1-5]$/)
  assert.ok(writes.filter(({ status }) => status === 429).length >= 1)
  assert.equal(manifest.status, 200)
  const metrics = (await other.ask('GET', '/metrics')).bytes.toString()
  assert.match(metrics, /^quota_exhaustions_total\{quota="tenant"\} \d\d/m)
})

test('calls over OAP and over HTTP spend from one quota, and one that is spent says when to come again', async t => {
  const other = await httpNode(t)
  await other.node.capabilities().limitTenant('default', { limits: { callsPerSecond: 1, burst: 30 } }, BY)
  const token = await other.mint('mailbox:stats', { bearer: true })
  await using oap = await connect(other.node.status().addresses[0]!, { cap: token })
  const mailbox = oap.client(mailboxService)
  const topic = 'a'

  const overOap = await Promise.allSettled(Array.from({ length: 60 }, () => mailbox.stats({ topic })))
  const overHttp = await Promise.all(
    Array.from({ length: 60 }, () => other.post('stats', { topic }, { token }))
  )

  const served = overOap.filter(({ status }) => status === 'fulfilled').length
  assert.ok(served >= 30 && served < 60, `${served} over OAP`)
  const refused = overHttp.filter(({ status }) => status === 429)
  // What came back meanwhile is one a second.
  assert.ok(refused.length > 30, `${refused.length} of 60 refused over HTTP`)
  assert.equal(refused[0]!.json.error, 'quota_tenant')
  assert.match(refused[0]!.headers.get('retry-after')!, /^[1-5]$/)
})
