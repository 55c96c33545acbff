import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { startHttp } from './listener.ts'
import type { HttpListener, HttpRoutes, ListenerBounds, Readiness } from './listener.ts'
import { createMetrics } from '../metrics.ts'
import { EXIT, SetupError } from '../setup-error.ts'

const READY: Readiness = { missing: [], degraded: [] }

test('says that it lives', async t => {
  const { status, body } = await get(await listener(t), '/healthz')

  assert.deepEqual([status, body], [200, '{"live":true}'])
})

test('says that it is ready, and what runs with less', async t => {
  const { status, body } = await get(await listener(t, () => ({ missing: [], degraded: ['dht'] })), '/readyz')

  assert.deepEqual([status, JSON.parse(body)], [200, { ready: true, missing: [], degraded: ['dht'] }])
})

test('says what is missing, and when to ask again, in whole seconds', async t => {
  const readiness = () => ({ missing: ['store'], degraded: [], retryAfterS: 1.2 })
  const { status, body, headers } = await get(await listener(t, readiness), '/readyz')

  assert.deepEqual([status, headers['retry-after']], [503, '2'])
  assert.deepEqual(JSON.parse(body), { ready: false, missing: ['store'], degraded: [], retry_after: 2 })
})

test('asks for readiness at each request', async t => {
  let missing = ['echo']
  const http = await listener(t, () => ({ missing, degraded: [] }))

  const first = await get(http, '/readyz')
  missing = []
  const second = await get(http, '/readyz')

  assert.deepEqual([first.status, second.status], [503, 200])
})

test('serves the metrics as Prometheus text', async t => {
  const { status, body, headers } = await get(await listener(t), '/metrics')

  assert.equal(status, 200)
  assert.match(headers['content-type'] ?? '', /^text\/plain; version=0\.0\.4/)
  assert.match(body, /rejected_total\{reason="bad_frame"\} 0/)
})

for (const host of ['127.0.0.1', '127.0.0.1:4803', 'localhost', 'LOCALHOST:1', '[::1]:4803']) {
  test(`answers to the host ${host}`, async t => {
    assert.equal((await get(await listener(t), '/healthz', { host })).status, 200)
  })
}

for (const host of [
  'evil.example',
  'localhost.evil.example',
  '127.0.0.1.evil.example',
  '',
  'a@localhost',
  '10.0.0.1'
]) {
  test(`refuses the host ${JSON.stringify(host)} on every path`, async t => {
    const http = await listener(t)
    for (const path of ['/healthz', '/readyz', '/metrics', '/other']) {
      assert.equal((await get(http, path, { host })).status, 421)
    }
  })
}

test('answers unknown paths with 404, and unknown methods of the others with 405 and those that they have', async t => {
  const http = await startHttp(
    { host: '127.0.0.1', port: 0 },
    {
      readiness: () => READY,
      metrics: createMetrics({ reasons: [] }),
      routes(app) {
        app.get('/a.b/:one/x', () => '')
        app.put('/a.b/:one/x', () => '')
        app.delete('/a.b/*', () => '')
      }
    }
  )
  t.after(() => http.stop())
  const allowed = async (method: string, path: string): Promise<readonly unknown[]> => {
    const { status, headers, body } = await get(http, path, { method })
    return [status, headers.allow, JSON.parse(body).error]
  }

  for (const path of ['/other', '/a.b', '/aXb/1/x', '/metrics/x'])
    assert.deepEqual(await allowed('POST', path), [404, undefined, 'not_found'], path)
  for (const path of ['/healthz', '/readyz?x=1', '/metrics'])
    for (const method of ['POST', 'OPTIONS', 'DELETE'])
      assert.deepEqual(await allowed(method, path), [405, 'GET, HEAD', 'method_not_allowed'], path)
  assert.deepEqual(await allowed('POST', '/a.b/1/x'), [405, 'GET, HEAD, PUT, DELETE', 'method_not_allowed'])
  assert.deepEqual(await allowed('GET', '/a.b/1/y'), [405, 'DELETE', 'method_not_allowed'])
})

test('tells nobody why it failed inside', async t => {
  const http = await listener(t, () => {
    throw new Error('path /secret/place')
  })

  const { status, body } = await get(http, '/readyz')

  assert.equal(status, 500)
  assert.doesNotMatch(body, /secret/)
})

test('answers bytes that are not HTTP with 400 and closes', async t => {
  const answer = await raw(await listener(t), 'OAP\r\n\r\n')

  assert.match(answer, /^HTTP\/1\.1 400 /)
})

test('refuses headers over 8 KiB', async t => {
  const answer = await raw(
    await listener(t),
    `GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(9000)}\r\n\r\n`
  )

  assert.match(answer, /^HTTP\/1\.1 431 /)
})

test('closes connections beyond 64', async t => {
  const { url } = await listener(t)
  const port = Number(new URL(url).port)
  const held = Array.from({ length: 64 }, () => connect(port, '127.0.0.1'))
  t.after(() => held.forEach(socket => socket.destroy()))
  await Promise.all(held.map(socket => once(socket, 'connect')))

  const extra = connect(port, '127.0.0.1').on('error', () => {})
  extra.resume()
  await once(extra, 'close')

  assert.ok(held.every(socket => !socket.destroyed))
})

test('one address holds a quarter of the connections while others are served, and has it back once they end', async t => {
  const refused: string[] = []
  const http = await startHttp(
    { host: '127.0.0.1', port: 0 },
    {
      readiness: () => READY,
      metrics: createMetrics({ reasons: [] }),
      bounds: { connections: 8 },
      proxies: ['127.0.0.4'],
      onRefused: reason => void refused.push(reason)
    }
  )
  t.after(() => http.stop())
  const from = (localAddress: string) => connect({ port: http.port, host: '127.0.0.1', localAddress })
  const asking = async (localAddress: string): Promise<string> => {
    const socket = from(localAddress)
    socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    const [answer] = await once(socket, 'data')
    socket.destroy()
    return String(answer)
  }
  const held = [from('127.0.0.2'), from('127.0.0.2')]
  t.after(() => held.forEach(socket => socket.destroy()))
  for (const socket of held) {
    socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await once(socket, 'data')
  }

  const third = await asking('127.0.0.2')
  const other = await asking('127.0.0.3')
  for (const socket of held) socket.end()
  await Promise.all(held.map(socket => once(socket, 'close')))
  // The listener notes the end of a connection when it sees it.
  let again = ''
  while (!again.includes(' 200 ')) again = await asking('127.0.0.2')

  assert.match(third, /^HTTP\/1\.1 503 [^]*\r\nretry-after: 1\r\n/)
  assert.equal(problemIn(third)['error'], 'saturated')
  assert.match(other, /^HTTP\/1\.1 200 /)
  assert.equal(refused[0], 'source_connections')
})

test('a proxy that is named, and this machine, may have all connections, and one more is closed', async t => {
  const refused: string[] = []
  const http = await startHttp(
    { host: '127.0.0.1', port: 0 },
    {
      readiness: () => READY,
      metrics: createMetrics({ reasons: [] }),
      bounds: { connections: 8 },
      proxies: ['127.0.0.4'],
      onRefused: reason => void refused.push(reason)
    }
  )
  t.after(() => http.stop())
  const held = Array.from({ length: 8 }, (_, n) =>
    connect({ port: http.port, host: '127.0.0.1', localAddress: n < 4 ? '127.0.0.4' : '127.0.0.1' })
  )
  t.after(() => held.forEach(socket => socket.destroy()))
  for (const socket of held) {
    socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n')
    assert.match(String((await once(socket, 'data'))[0]), /^HTTP\/1\.1 200 /)
  }

  const extra = connect(http.port, '127.0.0.1').on('error', () => {})
  extra.resume()
  await once(extra, 'close')

  assert.deepEqual(refused, ['connections'])
})

test('names a taken port', async t => {
  const { url } = await listener(t)
  const port = Number(new URL(url).port)

  await assert.rejects(start(port), (error: unknown) => {
    assert.ok(error instanceof SetupError)
    assert.match(
      error.message,
      new RegExp(`^http.listen: port ${port} on 127.0.0.1 is taken; .* set http.listen to another$`)
    )
    assert.equal(error.exitCode, EXIT.portInUse)
    return true
  })
})

test('stops with connections open, and twice', async () => {
  const http = await start(0)
  const socket = connect(Number(new URL(http.url).port), '127.0.0.1').on('error', () => {})
  await once(socket, 'connect')
  socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await once(socket, 'data')

  await http.stop()
  await http.stop()

  if (!socket.closed) await once(socket, 'close')
})

function start(port: number, readiness = () => READY): Promise<HttpListener> {
  return startHttp(
    { host: '127.0.0.1', port },
    { readiness, metrics: createMetrics({ reasons: ['bad_frame'] }) }
  )
}

async function listener(t: TestContext, readiness?: () => Readiness): Promise<HttpListener> {
  const http = await start(0, readiness)
  t.after(() => http.stop())
  return http
}

async function get(
  { url }: HttpListener,
  path: string,
  { host = 'localhost', method = 'GET', id = '' } = {}
) {
  const sent = { host, ...(id && { 'x-request-id': id }) }
  const call = request(url + path, { method, setHost: false, headers: sent, agent: false })
  call.end()
  const [response] = await once(call, 'response')
  let body = ''
  for await (const piece of response) body += String(piece)
  const headers: Record<string, string | undefined> = response.headers
  return { status: Number(response.statusCode), body, headers }
}

async function raw({ url }: HttpListener, text: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.write(text)
  const [first] = await once(socket, 'data')
  socket.destroy()
  return String(first)
}

const BODY = 'POST /take HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n'

async function taking(t: TestContext, bounds: Partial<ListenerBounds>): Promise<HttpListener> {
  const routes: HttpRoutes = app => {
    app.post('/take', { bodyLimit: 4096 }, () => ({ taken: true }))
    app.post('/stream', { config: { isStreamed: true }, bodyLimit: 2 ** 40 }, () => ({ taken: true }))
  }
  const metrics = createMetrics({ reasons: ['bad_frame'] })
  const http = await startHttp(
    { host: '127.0.0.1', port: 0 },
    { readiness: () => READY, metrics, routes, bounds }
  )
  t.after(() => http.stop())
  return http
}

const problemIn = (answer: string): Record<string, unknown> =>
  JSON.parse(answer.slice(answer.indexOf('\r\n\r\n'))) as Record<string, unknown>

test('a body that comes too slowly is 408, and the connection ends', async t => {
  const http = await taking(t, { requestMs: 200 })
  const socket = connect(http.port, '127.0.0.1')

  socket.write(`${BODY}Content-Length: 10\r\n\r\nabc`)
  const [answer] = await once(socket, 'data')
  await once(socket, 'close')

  assert.match(String(answer), /^HTTP\/1\.1 408 /)
  assert.equal(problemIn(String(answer))['error'], 'request_timeout')
})

test('the short body of a refused request is read and forgotten, and where it does not come the connection ends', async t => {
  const http = await taking(t, { requestMs: 200 })
  const refused = 'POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n'
  const [kept, late] = [connect(http.port, '127.0.0.1'), connect(http.port, '127.0.0.1')]
  const ended = once(late, 'close')

  kept.write(refused)
  const [first] = await once(kept, 'data')
  kept.write('helloGET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
  const [second] = await once(kept, 'data')
  late.write(refused)
  const [answer] = await once(late, 'data')
  await ended

  assert.match(String(first), /^HTTP\/1\.1 404 /)
  assert.match(String(second), /^HTTP\/1\.1 200 /)
  assert.match(String(answer), /^HTTP\/1\.1 404 /)
})

test('a refused request whose body is long, or has no length, is the last of its connection', async t => {
  const http = await taking(t, {})
  const refused = (length: string) => `POST /nowhere HTTP/1.1\r\nHost: localhost\r\n${length}\r\n\r\n`

  for (const length of ['Content-Length: 65537', 'Transfer-Encoding: chunked'])
    assert.match(await raw(http, refused(length)), /^HTTP\/1\.1 404 [^]*\r\nconnection: close\r\n/i)
})

test('headers that come too slowly are 408', async t => {
  const http = await taking(t, { headersMs: 100, checkEveryMs: 20 })

  const answer = await raw(http, 'POST /take HTTP/1.1\r\nHost: localhost\r\n')

  assert.match(answer, /^HTTP\/1\.1 408 /)
  assert.deepEqual([problemIn(answer)['ok'], problemIn(answer)['error']], [false, 'request_timeout'])
})

test('a body that is longer than its route takes is 413 before it has come', async t => {
  const answer = await raw(await taking(t, {}), `${BODY}Content-Length: 4097\r\n\r\n`)

  assert.match(answer, /^HTTP\/1\.1 413 /)
  assert.match(answer, /\r\nconnection: close\r\n/)
  assert.equal(problemIn(answer)['error'], 'body_oversize')
})

test('bodies together take no more than their room, and what is passed on takes none', async t => {
  const http = await taking(t, { allBodiesBytes: 5000 })
  const socket = connect(http.port, '127.0.0.1')
  socket.write(`${BODY}Content-Length: 4000\r\nExpect: 100-continue\r\n\r\n`)
  await once(socket, 'data')

  const refused = await raw(http, `${BODY}Content-Length: 4000\r\n\r\n`)
  const small = await raw(http, `${BODY}Content-Length: 3\r\n\r\nabc`)
  const streamed = await raw(
    http,
    'POST /stream HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 6000\r\n\r\n' +
      'x'.repeat(6000)
  )
  socket.destroy()

  assert.match(refused, /^HTTP\/1\.1 503 [^]*\r\nretry-after: \d/i)
  assert.equal(problemIn(refused)['error'], 'saturated')
  assert.match(small, /^HTTP\/1\.1 200 /)
  assert.match(streamed, /^HTTP\/1\.1 200 /)
})

test('whatever is no answer has one form, with the id that the caller gave or one of ours', async t => {
  const http = await taking(t, {})
  const own = await get(http, '/nowhere', { id: 'mine-1' })
  const broken = await raw(http, 'GET /%zz HTTP/1.1\r\nHost: localhost\r\n\r\n')
  const foreign = await raw(http, 'GET /%zz HTTP/1.1\r\nHost: evil.example\r\n\r\n')
  const noHttp = await raw(http, 'OAP\r\n\r\n')
  const unmet = await raw(http, 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nExpect: nonsense\r\n\r\n')

  for (const text of [broken, foreign, noHttp, unmet])
    assert.equal(/\r\nx-request-id: (\S+)\r\n/.exec(text)?.[1], problemIn(text)['request_id'])
  assert.match(unmet, /^HTTP\/1\.1 417 /)
  assert.equal(own.headers['x-request-id'], 'mine-1')
  assert.equal((JSON.parse(own.body) as { request_id: string }).request_id, 'mine-1')
  const forms = [own.body, ...[broken, foreign, noHttp].map(text => JSON.stringify(problemIn(text)))].map(
    text => JSON.parse(text) as Record<string, unknown>
  )
  assert.deepEqual(
    forms.map(({ ok, error }) => [ok, error]),
    [
      [false, 'not_found'],
      [false, 'bad_request'],
      [false, 'misdirected'],
      [false, 'bad_request']
    ]
  )
  for (const form of forms)
    assert.deepEqual(Object.keys(form), ['ok', 'error', 'message', 'request_id'], JSON.stringify(form))
})

test('waits until nothing is under way, serves on meanwhile, and says how many requests were not over', async t => {
  const asked = Promise.withResolvers<void>()
  const go = Promise.withResolvers<void>()
  const http = await startHttp(
    { host: '127.0.0.1', port: 0 },
    {
      readiness: () => READY,
      metrics: createMetrics({ reasons: [] }),
      routes(app) {
        app.get('/later', async () => {
          asked.resolve()
          await go.promise
          return 'answered'
        })
      }
    }
  )
  t.after(() => http.stop())
  assert.equal(await http.idle(60_000), 0)
  const answer = get(http, '/later')
  await asked.promise

  assert.equal(await http.idle(1), 1)
  const idle = http.idle(60_000)
  const meanwhile = await get(http, '/healthz')
  go.resolve()

  assert.equal(await idle, 0)
  assert.deepEqual([meanwhile.status, (await answer).body], [200, 'answered'])
})

test('answers what is asked when it stops, and breaks off what takes too long', async () => {
  const asked = Promise.withResolvers<void>()
  const go = Promise.withResolvers<void>()
  const routes: HttpRoutes = app => {
    app.get('/later', async () => {
      asked.resolve()
      await go.promise
      return { answered: true }
    })
    app.get('/never', () => new Promise(() => undefined))
  }
  const metrics = createMetrics({ reasons: ['bad_frame'] })
  const stopping = async (path: string, drainMs: number) => {
    const bounds = { drainMs }
    const http = await startHttp(
      { host: '127.0.0.1', port: 0 },
      { readiness: () => READY, metrics, routes, bounds }
    )
    const answer = get(http, path).catch((error: unknown) => error)
    if (path === '/later') await asked.promise
    else await get(http, '/healthz')
    const stopped = http.stop()
    go.resolve()
    await stopped
    return await answer
  }

  const answered = (await stopping('/later', 60_000)) as { readonly body: string }
  const broken = await stopping('/never', 50)

  assert.equal(answered.body, '{"answered":true}')
  assert.ok(broken instanceof Error)
})
