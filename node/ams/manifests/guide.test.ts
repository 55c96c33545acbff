import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { WRITE } from '../access/access.fixture.ts'
import type { HubFacts } from './facts.ts'
import { assertGuide, guideBlocks, runGuide } from './guide-lines.fixture.ts'
import { publishing } from './manifests.fixture.ts'

const GUIDE = '/.well-known/ams-agent-guide.md'

async function guided(t: TestContext, facts: Partial<HubFacts>) {
  const served = await publishing(facts)
  t.after(() => served.app.close())
  await served.app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = served.app.server.address() as AddressInfo
  served.hub.facts = { ...served.hub.facts, url: `http://127.0.0.1:${port}` }
  const folder = mkdtempSync(join(tmpdir(), 'omnigate-guide-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return { text: (await served.get(GUIDE)).body, folder }
}

const MODES: readonly (readonly [string, Partial<HubFacts>])[] = [
  ['where anybody may write', {}],
  ['where writing needs a token', { writeMode: 'token' }],
  ['where reading does, too', { writeMode: 'token', isPrivate: true }]
]

for (const [name, facts] of MODES)
  test(`each line of the guide works ${name}, one after another`, async t => {
    const { text, folder } = await guided(t, facts)

    const ran = await runGuide(text, folder, { AMS_TOKEN: WRITE })

    assertGuide(ran)
    assert.ok(ran.filter(({ status }) => status !== undefined).length >= 24)
    assert.deepEqual(readFileSync(join(folder, 'guide.bin')), Buffer.from('a\0b\xff', 'latin1'))
  })

test('a line with another status than the guide says, or a faulty one, is noticed', async t => {
  for (const [found, other] of [
    ['hello', 'changed'],
    ['--etag-compare guide.etag', '--etag-compare guide.none'],
    ['/ams/v1/policy', '/ams/v1/nothing'],
    ['(200):', '(201):'],
    ['curl -sS', 'curl -sS --nothing']
  ] as const) {
    // Each with a hub of its own: the writes of all together are more than a minute has.
    const { text, folder } = await guided(t, {})
    const ran = await runGuide(text.replace(found, other), folder, {})
    assert.ok(ran.every(({ got }) => got !== 429))
    assert.throws(() => assertGuide(ran), found)
  }
})

test('where a token is needed, only the lines that need one show it', async t => {
  const { text } = await guided(t, { writeMode: 'token' })
  const lines = guideBlocks(text).map(({ line }) => line)

  assert.ok(lines.some(line => line.includes('$AMS_TOKEN') && line.includes('X PUT')))
  assert.ok(
    lines.filter(line => line.includes('/ams/v1/threads')).every(line => !line.includes('$AMS_TOKEN'))
  )
})

test('where envelopes need a proof no line posts one without', async t => {
  const { text, folder } = await guided(t, { isProofDemanded: true })

  assert.doesNotMatch(text, /"thread":"t_guide"/)
  assertGuide(await runGuide(text, folder, {}))
})

test('what does not answer here is not in the guide', async t => {
  const { text } = await guided(t, {})

  assert.doesNotMatch(text, /openapi\.json|readyz|mailbox/)
})

test('what routes take stands in the table of limits', async t => {
  const { text } = await guided(t, {})

  assert.match(text, /\| POST `\/ams\/v1\/envelopes` \| 524288 \|/)
  assert.match(text, /30 writes a minute/)
})
