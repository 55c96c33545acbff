import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { RequestListener } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { amsAdmin } from './ams.ts'
import { Invocation } from './invocation.ts'
import { processTerminal } from './terminal.ts'

const TOKEN = 'an-admin-token-of-more-than-32-bytes'

/** What answers in the place of a hub, and which tokens it was shown. */
async function standing(t: TestContext, answer: RequestListener) {
  const shown: unknown[] = []
  const server = createServer((request, response) => {
    shown.push(request.headers['x-ams-token'])
    answer(request, response)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close().closeAllConnections())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { url, shown }
}

const asking = (url: string, token = TOKEN) =>
  amsAdmin(new Invocation({ ...processTerminal, env: { AMS_ADMIN_TOKEN: token } }, {}, { url }))

for (const [what, answer, refusal] of [
  ['a page', (_, to) => void to.end('<html>'), { exitCode: 69, message: /200, is none of a hub/ }],
  ['no JSON object', (_, to) => void to.end('[]'), { exitCode: 69, message: /is none of a hub/ }],
  [
    'an answer without an end',
    (_, to) => {
      const more = (): void => void (to.destroyed || to.write('x'.repeat(65_536), () => setImmediate(more)))
      more()
    },
    { exitCode: 69, message: /too long/ }
  ],
  ['a connection that ends', (_, to) => void to.destroy(), { exitCode: 69, message: /^http:/ }],
  [
    'a rate that is used up',
    (_, to) =>
      void to
        .writeHead(429, { 'retry-after': '7' })
        .end('{"ok":false,"error":"rate_limited","message":"too many"}'),
    { exitCode: 1, message: 'the answer is 429 rate_limited: too many; try again in 7.00 s' }
  ],
  [
    'a role that is too low',
    (_, to) => void to.writeHead(403).end('{"ok":false,"error":"forbidden","message":"no"}'),
    { exitCode: 77, message: /role admin/ }
  ]
] as const satisfies readonly (readonly [string, RequestListener, object])[])
  test(`${what} is told as what it is`, { timeout: 60_000 }, async t => {
    const { url } = await standing(t, answer)

    await assert.rejects(async () => (await asking(url)).get('spam'), refusal)
  })

test('the token goes nowhere else, and not in the open', { timeout: 60_000 }, async t => {
  const other = await standing(t, (_, to) => void to.end('{"ok":true}'))
  const { url, shown } = await standing(t, (_, to) => void to.writeHead(307, { location: other.url }).end())

  await assert.rejects(async () => (await asking(url)).post('block', { from: 'a' }), { exitCode: 69 })
  assert.deepEqual([shown, other.shown], [[TOKEN], []])
  for (const open of ['http://hub.example.org', 'ftp://127.0.0.1', 'hub', ''])
    await assert.rejects(asking(open), { exitCode: 65 }, open)
  await assert.rejects(asking(url, 'two words'), { exitCode: 65 })
  await assert.rejects(asking(url, ' '), { exitCode: 64 })
})
