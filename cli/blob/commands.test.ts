import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { connectAdmin, createNode, loadConfig } from '../../node/index.ts'
import type { CommandBody } from '../command.ts'
import { blobFsck } from '../commands/blob-fsck.ts'
import { blobLs } from '../commands/blob-ls.ts'
import { blobPin } from '../commands/blob-pin.ts'
import { blobRm } from '../commands/blob-rm.ts'
import { blobScrub } from '../commands/blob-scrub.ts'
import { blobStat } from '../commands/blob-stat.ts'
import { blobUnpin } from '../commands/blob-unpin.ts'
import { EXIT } from '../exit-codes.ts'
import { describeFailure } from '../failure.ts'
import { Invocation } from '../invocation.ts'
import { processTerminal } from '../terminal.ts'

const NONE = 'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku'

test('an operator looks after the blobs of a running node, and checks them when it is stopped', async t => {
  const data = folder(t)
  const { config } = loadConfig({
    flags: { 'node.listen': ['/ip4/127.0.0.1/tcp/0'], 'http.enabled': false, 'log.level': 'silent' }
  })
  const node = createNode(config, { data, init: true })
  await node.start()
  t.after(() => node.stop())
  const cid = await put(data, 'a blob of ours', 'text/plain')
  const other = await put(data, 'another')

  const listed = (await run(blobLs, {}, { data, json: true })).json()
  assert.deepEqual(listed.blobs.map((blob: { cid: string }) => blob.cid).toSorted(), [cid, other].toSorted())
  assert.match((await run(blobLs, {}, { data, count: '1' })).text, /there are more: --after bafkrei/)
  assert.match((await run(blobStat, { CID: cid }, { data })).text, /content {2}14 bytes, text\/plain\n/)

  assert.equal((await run(blobPin, { CID: cid }, { data })).text, `${cid} pinned`)
  await assert.rejects(run(blobRm, { CID: cid }, { data }), says(EXIT.failed, /blob_pinned/))
  assert.match((await run(blobUnpin, { CID: cid }, { data, ttl: '30d' })).text, / unpinned, kept for 30d$/)
  assert.equal((await run(blobRm, { CID: cid }, { data })).text, `${cid} removed`)
  await assert.rejects(run(blobStat, { CID: cid }, { data }), says(EXIT.failed, /not_found/))
  await assert.rejects(run(blobFsck, {}, { data }), says(EXIT.inUse, /in use/))
  const asked = (await run(blobScrub, {}, { data, json: true })).json()
  assert.deepEqual([asked.blocks > 0, asked.rotten, asked.found], [true, 0, []])
  await node.stop()

  assert.match((await run(blobFsck, {}, { data })).text, /^blobs {5}1, 0 coming in\n.*\nproblems {2}none$/)
  const scrubbed = (await run(blobScrub, {}, { data, json: true })).json()
  assert.deepEqual([scrubbed.blocks, scrubbed.rotten, scrubbed.found], [1, 0, []])
})

test('what is no content id, no number or no time is said so', async t => {
  const data = folder(t)

  await assert.rejects(run(blobStat, {}, { data }), says(EXIT.usage, /^CID is missing$/))
  await assert.rejects(run(blobLs, {}, { data, count: '0' }), says(EXIT.usage, /^--count 0: /))
  await assert.rejects(
    run(blobUnpin, { CID: NONE }, { data, ttl: 'soon' }),
    says(EXIT.usage, /^--ttl soon: /)
  )
  await assert.rejects(run(blobLs, {}, { tenant: 'clinic' }), says(EXIT.usage, /^--tenant goes with --data/))
})

async function put(data: string, text: string, contentType?: string): Promise<string> {
  await using admin = await connectAdmin(data)
  const { id } = await admin.capabilities.tenant_show({ tenant: 'default' })
  const request = contentType === undefined ? {} : { content_type: contentType }
  const { cid } = await admin.storage.put(request, { tenant: id, body: [Buffer.from(text)] })
  return cid
}

interface Ran {
  readonly text: string
  // oxlint-disable-next-line typescript/no-explicit-any
  json(): any
}

async function run(
  command: CommandBody,
  args: Readonly<Record<string, string>>,
  options: Readonly<Record<string, string | boolean>>
): Promise<Ran> {
  let text = ''
  const terminal = { ...processTerminal, result: (line: string) => void (text += line) }
  assert.equal(await command.run(new Invocation(terminal, args, options)), EXIT.ok)
  return { text, json: () => JSON.parse(text) }
}

const says = (exit: number, what: RegExp) => (error: unknown) => {
  assert.ok(error instanceof Error)
  assert.match(error.message, what)
  assert.equal(describeFailure(error).exitCode, exit)
  return true
}

function folder(t: TestContext): string {
  const top = mkdtempSync(join(tmpdir(), 'omnigate-blob-'))
  t.after(() => rmSync(top, { recursive: true, force: true }))
  return join(top, 'hub')
}
