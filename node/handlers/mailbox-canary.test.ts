import assert from 'node:assert/strict'
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { mailboxService } from '../../protocols/index.ts'
import { connect } from '../../sdk/index.ts'
import { loadConfig } from '../config/index.ts'
import { createNode } from '../node.ts'

const CANARY = 'canary-7f3a9c51'

test('what is in a sealed body stands in no log, metric, audit line or error, dead-lettered or refused', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'canary-'))
  t.after(() => rm(folder, { recursive: true }))
  const data = join(folder, 'hub')
  const logFile = join(folder, 'log')
  const { config } = loadConfig({
    flags: {
      'node.listen': ['/ip4/127.0.0.1/tcp/0'],
      'http.listen': '127.0.0.1:0',
      'log.level': 'trace',
      'log.file': logFile,
      'strangers.loopbackIsKnown': true,
      'capabilities.openVerbs': ['*'],
      'mailbox.maxAttempts': 1
    }
  })
  const node = createNode(config, { data, init: true })
  await node.start()
  const errors: string[] = []
  {
    await using hub = await connect(node.status().addresses[0]!)
    const box = hub.client(mailboxService)
    const sealed = Buffer.from(CANARY.repeat(8))
    const topic = 'a'
    const send = (idem_key: string, body: Uint8Array) =>
      box.send({ topic, idem_key, body, bounce: true, reply_topic: 'b' }, { e2e: true })
    for (let n = 0; n < 20; n++) await send(`k${n}`, sealed)
    await send('k0', Buffer.from(`${CANARY} other`)).catch((error: Error) => errors.push(String(error)))
    await box
      .send({ topic: 'a//b', body: sealed }, { e2e: true })
      .catch((error: Error) => errors.push(String(error)))
    const { items } = await box.recv({ topic })
    await box.nack({
      topic,
      items: items.map(({ msg_id, lease }) => ({ msg_id, lease: lease! })),
      delay_ms: 0
    })
    assert.equal((await box.dlq_list({ topic })).items.length, 20)
    assert.equal((await box.recv({ topic: 'b' })).items.length, 20)
  }
  const metrics = await (await fetch(`${node.status().http}/metrics`)).text()
  await node.stop()

  const shown = [metrics, ...errors, await readFile(logFile, 'utf8'), ...(await texts(join(data, 'audit')))]

  assert.equal(errors.length, 2)
  assert.ok(shown.every(text => text.length > 0 && !text.includes(CANARY)))
  assert.match(metrics, /^mailbox_dead_total 20$/m)
})

async function texts(folder: string): Promise<string[]> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true })
  const lines = files.filter(file => file.isFile() && file.name.endsWith('.ndjson'))
  return await Promise.all(lines.map(({ parentPath, name }) => readFile(join(parentPath, name), 'utf8')))
}
